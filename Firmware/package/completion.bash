# Bash completion of martlet(1).
_martlet() {
  local word=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]:-} options
  COMPREPLY=()
  if [ "$COMP_CWORD" = 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W 'classify generate chat tokenize infer inspect verify bench devices gpio check
      run status reload --help --version' -- "$word")
    return
  fi
  if [ "$verb" = gpio ] && [ "$COMP_CWORD" = 2 ]; then
    mapfile -t COMPREPLY < <(compgen -W 'list read set pulse watch --help --json' -- "$word")
    return
  fi
  case ${COMP_WORDS[COMP_CWORD - 1]} in
    --camera) mapfile -t COMPREPLY < <(compgen -W "$(compgen -G "/dev/video*")" -- "$word") ; return ;;
    --resize) mapfile -t COMPREPLY < <(compgen -W 'stretch crop letterbox' -- "$word") ; return ;;
    --edge) mapfile -t COMPREPLY < <(compgen -W 'rising falling both' -- "$word") ; return ;;
    --bias) mapfile -t COMPREPLY < <(compgen -W 'none pull-up pull-down' -- "$word") ; return ;;
    --batch) mapfile -t COMPREPLY < <(compgen -W '16 32 64' -- "$word") ; return ;;
    --kv-cache) mapfile -t COMPREPLY < <(compgen -W 'int8 f32' -- "$word") ; return ;;
    --when-full) mapfile -t COMPREPLY < <(compgen -W 'stop slide' -- "$word") ; return ;;
  esac
  if [[ $word == -* ]]; then
    # The help names every option of the verb.
    options=$(martlet "$verb" --help 2>/dev/null | grep -oE -- '--[a-z][a-z-]*' | sort -u)
    mapfile -t COMPREPLY < <(compgen -W "$options --help" -- "$word")
  else
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  fi
}
complete -F _martlet martlet

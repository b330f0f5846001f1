"""How what was counted is printed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from harness.tables import table

from .hotspots import Loop
from .pipeline import Tools, multiply_adds
from .sets import InstructionSet

COLUMNS = {
    "instructions": "instructions",
    "loads": "loads",
    "stores": "stores",
    "accesses": "loads and stores",
    "l1_misses": "L1D misses",
    "l2_misses": "L2 misses",
}


def _pair(ours: int, theirs: int | None) -> str:
    if theirs is None:
        return f"{ours:,}"
    ratio = f"{ours / theirs:.2f}" if theirs else "-"
    return f"{ours:,} / {theirs:,} = {ratio}"


def figures(results: Sequence[dict[str, Any]], isa: InstructionSet, peer: str, unit: str = "an inference") -> str:
    """Martlet / peer = ratio, for every model."""
    rows = []
    # Without caches there are no misses.
    columns = {key: text for key, text in COLUMNS.items() if has_caches(results) or "misses" not in key}
    for result in results:
        ours, theirs = ({**f, "accesses": f["loads"] + f["stores"]} if f else None for f in _both(result))
        rows.append([result["model"], *(_pair(ours[key], theirs[key] if theirs else None) for key in columns)])
    title = f"{isa.name} ({isa.cpu.split(',')[0]}), {unit}, Martlet / {peer} = ratio:"
    return f"{title}\n\n{table(['model', *columns.values()], rows)}\n"


def has_caches(results: Sequence[dict[str, Any]]) -> bool:
    return any(result["martlet"]["read_bytes"] for result in results)


def _both(result: dict[str, Any]) -> tuple[dict[str, int], dict[str, int] | None]:
    return result["martlet"], result.get("peer")


def describe(loop: Loop, cpus: Sequence[str], tools: Tools, name: Callable[[int], str]) -> dict[str, Any]:
    """A loop in figures: of one iteration, as most iterations go."""
    usual = loop.usual
    assembly = tools.disassembled(tuple(line.word for line in usual))
    return {
        "function": name(loop.lines[0].address) + loop.kind,
        "instructions": loop.instructions,
        "iterations": loop.iterations,
        "multiply_adds": multiply_adds(assembly),
        "cycles": {cpu: tools.cycles(assembly, cpu) for cpu in cpus},
        "assembly": assembly,
    }


def _loop_rows(whose: str, found: Sequence[dict[str, Any]], total: int, cpus: Sequence[str]) -> list[list[str]]:
    rows = []
    for loop in found:
        products = loop["multiply_adds"]
        cells = []
        for cpu in cpus:
            cycles = loop["cycles"][cpu]
            each = f" ({cycles * 1000 / products:.1f})" if cycles and products else ""
            cells.append("-" if cycles is None else f"{cycles:.1f}{each}")
        share = f"{loop['instructions'] / total:.1%}" if total else "-"
        rows.append([f"{whose}: {loop['function']}", share, f"{len(loop['assembly'])}", f"{products}", *cells])
    return rows


def hot(result: dict[str, Any], isa: InstructionSet, with_assembly: bool) -> str:
    """Functions and loops of one model; with the assembly the peer's loops too."""
    ours, theirs = _both(result)
    total = ours["instructions"]
    peer = result["peer_name"]
    columns = ["loop", "share", "instructions", "multiply-adds", *(f"{cpu}: cycles" for cpu in isa.scheduled)]
    rows = _loop_rows("Martlet", result["loops"], total, isa.scheduled)
    if with_assembly and theirs:
        rows += _loop_rows(peer, result["peer_loops"], theirs["instructions"], isa.scheduled)
    text = f"{result['model']}, {isa.name}, {total:,}: {_shares(result['profile'], total)}\n\n"
    if theirs and "peer_profile" in result:
        text += f"{peer}, {theirs['instructions']:,}: {_shares(result['peer_profile'], theirs['instructions'])}\n\n"
    text += f"{table(columns, rows)}\n"
    if not with_assembly:
        return text
    for whose, key in (("Martlet", "loops"), (peer, "peer_loops")):
        for loop in result.get(key, []):
            text += f"\n{whose}: {loop['function']}, {loop['iterations']:,.0f} times:\n"
            text += "".join(f"    {line}\n" for line in loop["assembly"])
    return text


def _shares(functions: Sequence[tuple[str, float]], total: int) -> str:
    return ", ".join(f"{name} {part / total:.1%}" for name, part in functions if part >= total * 0.01)


def assembly(found: Sequence[tuple[str, tuple[str, ...]]], sets: Sequence[InstructionSet], tools: Tools) -> str:
    """Loops from files, on every processor of the sets."""
    cpus = list(dict.fromkeys(cpu for isa in sets for cpu in isa.scheduled))
    loops = [
        {
            "function": name,
            "instructions": 0,
            "multiply_adds": multiply_adds(text),
            "cycles": {cpu: tools.cycles(text, cpu) for cpu in cpus},
            "assembly": text,
        }
        for name, text in found
    ]
    columns = ["loop", "share", "instructions", "multiply-adds", *(f"{cpu}: cycles" for cpu in cpus)]
    return table(columns, _loop_rows("file", loops, 0, cpus))

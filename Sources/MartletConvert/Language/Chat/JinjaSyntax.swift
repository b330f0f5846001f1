/// The part of Jinja that chat templates are written in.
indirect enum JinjaExpression {
  case literal(JinjaValue)
  case name(String)
  case list([JinjaExpression])
  case mapping([(JinjaExpression, JinjaExpression)])
  /// `a.b` and `a['b']` alike.
  case member(JinjaExpression, JinjaExpression)
  case slice(JinjaExpression, JinjaExpression?, JinjaExpression?, JinjaExpression?)
  case call(JinjaExpression, [JinjaArgument])
  case filter(JinjaExpression, String, [JinjaArgument])
  case test(JinjaExpression, String, [JinjaArgument], isNegated: Bool)
  case not(JinjaExpression)
  case negative(JinjaExpression)
  case binary(String, JinjaExpression, JinjaExpression)
  case conditional(JinjaExpression, condition: JinjaExpression, otherwise: JinjaExpression?)
}

struct JinjaArgument {
  var name: String?
  var value: JinjaExpression
}

indirect enum JinjaStatement {
  case text(String)
  case output(JinjaExpression)
  /// Branches in order; the last one's condition may be missing.
  case branch([(condition: JinjaExpression?, body: [JinjaStatement])])
  case loop(
    names: [String], over: JinjaExpression, only: JinjaExpression?, body: [JinjaStatement], otherwise: [JinjaStatement])
  /// `set name = value` and `set namespace.name = value`.
  case set(name: String, attribute: String?, value: JinjaExpression)
  /// Something that is read but not run: evaluating it is an error. Tool calls use such things.
  case refused(String)
}

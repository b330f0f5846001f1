/// Two parts after one another. With another `Both` as its second part it is a list of any length and of different
/// types, which is known when it is compiled: what it conforms to, its parts do in their order, without a table of
/// functions and without a box.
struct Both<First: ~Copyable, Second: ~Copyable>: ~Copyable {
  var first: First
  var second: Second

  init(_ first: consuming First, _ second: consuming Second) {
    self.first = first
    self.second = second
  }
}

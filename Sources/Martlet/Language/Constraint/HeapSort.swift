/// Sorting in place, without recursion or memory of its own.
public enum HeapSort {
  /// Sorts `count` elements that only the closures know (heapsort: Williams and Floyd, 1964).
  public static func sort(_ count: Int, isLess: (Int, Int) -> Bool, swap: (Int, Int) -> Void) {
    var start = count / 2
    var end = count
    while end > 1 {
      if start > 0 {
        start -= 1
      } else {
        end -= 1
        swap(0, end)
      }
      var root = start
      while 2 * root + 1 < end {
        var child = 2 * root + 1
        if child + 1 < end, isLess(child, child + 1) { child += 1 }
        guard isLess(root, child) else { break }
        swap(root, child)
        root = child
      }
    }
  }
}

import Martlet

/// The memory plan as it is drawn: one box for each tensor of the arena.
public struct ArenaMap {
  public struct Box {
    public var name: String
    /// From the start of the tensor region.
    public var offset: Int
    /// Of the rows that exist at a time.
    public var byteCount: Int
    /// The operators from the one that writes the tensor to the last one that reads it, both included; a cascade's are
    /// one.
    public var first: Int
    public var last: Int
  }

  public let boxes: [Box]
  public let operatorCount: Int
  public let plannedPeakBytes: Int
  public let lowerBoundBytes: Int

  public init(_ engine: borrowing some ModelTables & ~Copyable) {
    var lives = Lives(engine)
    lives.mergeAliases()
    boxes = lives.boxes(engine)
    operatorCount = engine.operatorCount
    plannedPeakBytes = Int(engine.plan.plannedPeakBytes)
    lowerBoundBytes = Int(engine.plan.lowerBoundBytes)
  }
}

/// When each tensor of the arena is written first and read last, in operators.
private struct Lives {
  private struct Life {
    var tensor: Int
    var offset: Int
    var first = Int.max
    var last = -1
    var isWritten = false
  }

  private var lives: [Life] = []

  init(_ engine: borrowing some ModelTables & ~Copyable) {
    // Place of a tensor in `lives`, or -1.
    var places: [Int] = []
    for index in 0..<engine.tensorCount {
      let record = engine.tensor(index)
      let isInArena = record.storage == TensorStorage.arena.rawValue
      places.append(isInArena ? lives.count : -1)
      if isInArena { lives.append(Life(tensor: index, offset: Int(record.offset))) }
    }
    for i in 0..<engine.inputCount { touch(places, engine.manifest.inputs[i].tensor, at: 0, 0, writes: true) }
    var cascade = 0
    for index in 0..<engine.operatorCount {
      var (first, last) = (index, index)
      if cascade < engine.cascadeCount, case let range = engine.operators(ofCascade: cascade), index >= range.lowerBound
      {
        (first, last) = (range.lowerBound, range.upperBound - 1)
        if index == last { cascade += 1 }
      }
      let record = engine.operatorRecord(index)
      touch(places, record.input0, at: first, last, writes: false)
      touch(places, record.input1, at: first, last, writes: false)
      touch(places, record.output, at: first, last, writes: true)
    }
    let end = max(engine.operatorCount - 1, 0)
    for i in 0..<engine.outputCount { touch(places, engine.manifest.outputs[i].tensor, at: end, end, writes: false) }
    lives.removeAll { $0.last < 0 }
  }

  private mutating func touch(_ places: [Int], _ tensor: UInt32, at first: Int, _ last: Int, writes: Bool) {
    guard tensor != ModelFormat.none, places[Int(tensor)] >= 0 else { return }
    let place = places[Int(tensor)]
    lives[place].first = min(lives[place].first, first)
    lives[place].last = max(lives[place].last, last)
    if writes { lives[place].isWritten = true }
  }

  /// A tensor that nobody writes is another name for one at the same offset (a reshape): their lives are one.
  mutating func mergeAliases() {
    lives.withUnsafeMutableBufferPointer { lives in
      func key(_ index: Int) -> (Int, Int, Int) {
        (lives[index].offset, lives[index].isWritten ? 0 : 1, lives[index].first)
      }
      HeapSort.sort(lives.count, isLess: { key($0) < key($1) }, swap: { lives.swapAt($0, $1) })
    }
    var start = 0
    while start < lives.count {
      var end = start
      while end < lives.count && lives[end].offset == lives[start].offset { end += 1 }
      var writers = start
      while writers < end && lives[writers].isWritten { writers += 1 }
      for alias in writers..<end {
        // The latest one written before the alias is first read.
        var low = start
        var high = writers
        while low < high {
          let middle = (low + high) / 2
          if lives[middle].first <= lives[alias].first { low = middle + 1 } else { high = middle }
        }
        guard low > start else { continue }
        lives[low - 1].last = max(lives[low - 1].last, lives[alias].last)
        lives[alias].last = -1
      }
      start = end
    }
    lives.removeAll { $0.last < 0 }
  }

  func boxes(_ engine: borrowing some ModelTables & ~Copyable) -> [ArenaMap.Box] {
    var boxes: [ArenaMap.Box] = []
    for life in lives {
      boxes.append(
        ArenaMap.Box(
          name: String(utf8: engine.name(ofTensor: life.tensor)), offset: life.offset,
          byteCount: Int(engine.tensor(life.tensor).arenaBytes), first: life.first, last: life.last))
    }
    boxes.withUnsafeMutableBufferPointer { boxes in
      HeapSort.sort(
        boxes.count, isLess: { (boxes[$0].first, boxes[$0].offset) < (boxes[$1].first, boxes[$1].offset) },
        swap: { boxes.swapAt($0, $1) })
    }
    return boxes
  }
}

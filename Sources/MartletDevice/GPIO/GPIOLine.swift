import CMartletLinux

/// A requested line: what outputs and inputs share. Released when it goes.
public struct GPIOLine: ~Copyable {
  let address: GPIOLineAddress
  /// One record, which stays where it is: the actuator's thread uses it, and `martlet_gpio_wait`.
  public let record: UnsafeMutableBufferPointer<martlet_gpio_line>

  @inline(never)
  init(_ address: GPIOLineAddress, _ settings: martlet_gpio_settings) throws(GPIOError) {
    let record = UnsafeMutableBufferPointer<martlet_gpio_line>.allocate(capacity: 1)
    var failure = martlet_gpio_failure()
    var wanted = address.parsed() ?? martlet_gpio_address()
    var settings = settings
    guard martlet_gpio_request(&wanted, &settings, record.baseAddress, &failure) == 0 else {
      record.deallocate()
      throw GPIOError(failure, address: address.text)
    }
    self.address = address
    self.record = record
  }

  deinit {
    martlet_gpio_release(record.baseAddress)
    record.deallocate()
  }

  var chipName: String { FixedText.string(record[0].chip_name) }
  var offset: Int { Int(record[0].offset) }
  var name: String { FixedText.string(record[0].name) }
  var descriptor: Int32 { record[0].descriptor }

  @inline(never)
  func level() throws(GPIOError) -> Bool {
    var level: Int32 = 0
    let error = martlet_gpio_get(record.baseAddress, &level)
    guard error == 0 else { throw failure(error) }
    return level != 0
  }

  func failure(_ error: martlet_error) -> GPIOError { GPIOError(error, address: address.text) }
}

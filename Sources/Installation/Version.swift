/// The version of the program.
public let opahVersion = "0.1.0"

import Support
import Synchronization
import Tensors

/// The clips of several groups as one row of numbers from 0, which threads share whatever the groups' sizes are.
struct ClipPlaces {
    /// The number of the first clip of each group, and the number of all.
    private var starts = [0]
    var count: Int { starts[starts.count - 1] }

    init(counts: some Sequence<Int>) {
        for count in counts { starts.append(self.count + count) }
    }

    /// The numbers of a group's clips.
    subscript(group: Int) -> Range<Int> { starts[group] ..< starts[group + 1] }

    /// Calls `body` for each of these clips on all threads, in any order.
    /// - Throws: of what failed the one with the lowest number, when all others are done.
    func forEach(_ clips: Range<Int>, _ body: (_ number: Int, _ group: Int, _ place: Int) throws -> Void) throws {
        let failure = Mutex<(number: Int, error: any Error)?>(nil)
        Parallel.forRange(clips.count, grain: 32) { range in
            let numbers = clips.lowerBound + range.lowerBound ..< clips.lowerBound + range.upperBound
            var group = lastGroup(startingUpTo: numbers.lowerBound)
            for number in numbers where !Interrupt.isStopping {
                while number >= starts[group + 1] { group += 1 }
                do { try body(number, group, number - starts[group]) } catch {
                    failure.withLock { if $0.map({ number < $0.number }) ?? true { $0 = (number, error) } }
                }
            }
        }
        try Interrupt.check()
        if let failure = failure.withLock({ $0?.error }) { throw failure }
    }

    private func lastGroup(startingUpTo number: Int) -> Int {
        var low = 0, high = starts.count
        while low < high {
            let middle = (low + high) / 2
            if starts[middle] <= number { low = middle + 1 } else { high = middle }
        }
        return low - 1
    }
}

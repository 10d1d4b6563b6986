/// Examples as help shows them, made into a chunk that checks itself.
///
/// A line `EXPRESSION  --> RESULT` is right when the values of the expression, as `opah.inspect` writes them on one
/// line, are RESULT; of tensors the elements alone. `...` stands for any text. Other lines run as they are.
public enum ExampleCheck {
    /// Lua that raises an error where the example does not show what it says.
    public static func chunk(_ example: String) -> String {
        let lines = example.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            guard let found = line.firstMatch(of: /^(.*?)\s*-->\s*(.*?)\s*$/) else { return String(line) }
            return "__shows([==[\(found.2)]==], \(found.1))"
        }
        return lines.joined(separator: "\n")
    }

    /// Lua that defines the global `__shows`.
    public static let support = #"""
        local opah = require "opah"
        local function shown(value)
          if not opah.tensor.is_tensor(value) then return opah.inspect(value, { width = 10000 }) end
          local text = opah.inspect(value, { width = 10000 }):gsub("\n%[[^%[%]]*%]$", "")
          return (text:gsub("%s*\n%s*", " "))
        end
        function __shows(expected, ...)
          local parts = {}
          for i = 1, select("#", ...) do parts[i] = shown((select(i, ...))) end
          local got = table.concat(parts, ", ")
          local pattern = "^" .. expected:gsub("%p", "%%%0"):gsub("%%%.%%%.%%%.", ".*") .. "$"
          if not got:find(pattern) then error(("shows %s, not %s"):format(got, expected), 2) end
        end
        """#
}

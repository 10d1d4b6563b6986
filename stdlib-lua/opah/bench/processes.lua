--- Processes that the bench starts: each ends with it, also when it is killed outright.
local io = require "io"
local machine = require "opah.machine"

local processes = {}

--- The number of this process, as the kernel tells it.
function processes.own()
  local file <close> = assert(io.open("/proc/self/stat"))
  return (file:read("n"))
end

--- `machine.run`. Opah itself watches for the end of the process that this variable names, where that started it.
function processes.run(arguments, options)
  options = options or {}
  options.environment = { OPAH_BATCH = tostring(processes.own()) }
  return machine.run(arguments, options)
end

--- Opah with these arguments.
function processes.opah(...) return processes.run { machine.program, ... } end

return processes

--- A competitor: a process bound to one of the processors that does nothing but compute, so that figures can be
-- measured beside it. It ends when it is closed, and by itself when the process that began it is no more.
local io = require "io"
local fs, machine = require "opah.fs", require "opah.machine"
local processes = require "opah.bench.processes"

local beside = {}

--- The share of its quiet speed that a figure should keep, whatever the number of processors.
beside.goal = 0.45

-- Computes, and looks every few milliseconds whether the parent of its own parent ($1) still is the bench ($2).
local spinner = [[while :; do
  i=0; while [ $i -lt 10000 ]; do i=$((i+1)); done
  parent=; read -r _ _ _ parent _ < /proc/$1/stat; [ "$parent" = "$2" ] || exit
done]]

-- Waits for the end of standard input, then ends the one that computes.
local keeper = [[exec 2>/dev/null
taskset -c %d /bin/sh -c '%s' competitor $$ %d & competitor=$!
read -r _; kill $competitor; wait $competitor]]

-- How a process ends that was asked to: 128 and SIGTERM.
local asked = 143

--- The last of the processors that this process may use, from 0.
function beside.processor()
  local file <close> = assert(io.open("/proc/self/status"))
  return math.tointeger(file:read("a"):match("Cpus_allowed_list:[^\n]-(%d+)\n"))
end

--- Why nothing can be bound to a processor here; nil when it can.
function beside.refused(processor)
  local is_there, done = pcall(machine.run, { "taskset", "-c", tostring(processor), "true" })
  if not is_there then return "there is no taskset (Debian: util-linux)" end
  return done.exit_code ~= 0 and done.errors:gsub("%s+$", "") or nil
end

--- Begins a competitor on a processor, to be held by a `<close>`, which ends it.
function beside.begin(processor)
  local pipe = assert(io.popen(keeper:format(processor, spinner, processes.own()), "w"))
  machine.run { "sleep", "0.1" }
  return setmetatable({}, {
    __close = function(_, failure)
      local _, _, code = pipe:close()
      if code ~= asked and not failure then
        local what = "the process that computes beside ended by itself on processor %d (%s)"
        error(fs.error("data", what:format(processor, code)), 0)
      end
    end,
  })
end

return beside

--- How long stages take, for those that are worth waiting for.
local progress = require "opah.progress"
local took = { long = 5 }        -- seconds; of shorter stages nothing is said

--- As in " in 3 min 20 s, 1.4 s each"; empty for short stages. `count`: of how many files, when it is a matter of files.
function took.text(seconds, count)
  if not seconds or seconds < took.long then return "" end
  local each = count and count > 1 and (", %s each"):format(progress.duration(seconds / count)) or ""
  return " in " .. progress.duration(seconds) .. each
end

--- As in "; took 3 min 20 s last time".
function took.last_time(seconds)
  if not seconds or seconds < took.long then return "" end
  return "; took " .. progress.duration(seconds) .. " last time"
end

return took

--- Options that can never work together, told once and before the first clip. What one alone may be is declared with it:
--- `from`, `to`, `above`, `below`.
local config = require "opah.config"
local options = {}

--- Ends the recipe with exit code 2 when one of the conditions does not hold, with all that is wrong. Not-a-number holds for
--- none.
---
---     options.check { { 5 <= 30, "--min-duration (5 s) must not be above --max-duration (30 s)" } }
---     pcall(options.check, { { 40 <= 30, "--min-duration (40 s) must not be above --max-duration (30 s)" } })  --> false, ...--min-duration (40 s) must not be above...
---@param conditions { [1]: boolean, [2]: string }[] Whether it holds, and what to say when it does not.
function options.check(conditions)
  local wrong = {}
  for _, condition in ipairs(conditions) do
    if not condition[1] then wrong[#wrong + 1] = condition[2] end
  end
  if #wrong > 0 then config.usage_error(table.concat(wrong, "; ")) end
end

return options

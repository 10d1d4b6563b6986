--- Options that can never work, told once and before the first clip.
local config = require "opah.config"
local options = {}

--- Ends the recipe with exit code 2 when one of the conditions does not hold, with all that is wrong. Not-a-number holds for
--- none.
---
---     options.check { { 20 > 0, "--max-duration must be above 0 s" } }
---     pcall(options.check, { { false, "--top-k must be above 0" }, { false, "--rate must be above 0 Hz" } })  --> false, ...--top-k must be above 0; --rate must be above 0 Hz...
---@param conditions { [1]: boolean, [2]: string }[] Whether it holds, and what to say when it does not.
function options.check(conditions)
  local wrong = {}
  for _, condition in ipairs(conditions) do
    if not condition[1] then wrong[#wrong + 1] = condition[2] end
  end
  if #wrong > 0 then config.usage_error(table.concat(wrong, "; ")) end
end

return options

--- Which checkpoint to take: the earliest whose every measure lies within a tolerance of the best one's, since later
-- checkpoints tend to be worse on texts unlike the training data.
local choice = {}

--- The measures in the order in which reasons are told. `better` is which end is good; a tolerance is a share of the best
--- value where `relative`, else in the measure's own unit.
choice.measures = {
  { name = "loss", label = "held-out loss", better = "low", tolerance = 0.01, relative = true },
  { name = "cut", label = "share of sentences cut off", better = "low", tolerance = 0 },
  { name = "word_error", label = "word error rate", better = "low", tolerance = 0.05 },
  { name = "character_error", label = "character error rate", better = "low", tolerance = 0.03 },
  { name = "length", label = "distance from the expected length (log)", better = "low", tolerance = 0.15 },
  { name = "repetition", label = "share repeated", better = "low", tolerance = 0.05 },
  { name = "silence", label = "share of silence", better = "low", tolerance = 0.15 },
  { name = "distance", label = "distance to the speaker", better = "low", tolerance = 0.1, relative = true },
  { name = "score", label = "score", better = "high", tolerance = 0.1 },
}

--- How much worse than the best a value is, in units of the tolerance: up to 1 is within it.
local function excess(measure, value, best)
  local worse = measure.better == "low" and value - best or best - value
  local allowed = measure.relative and math.abs(best) * measure.tolerance or measure.tolerance
  -- Rounding of a mean is no difference.
  if worse <= allowed + 1e-9 then return math.min(1, allowed > 0 and worse / allowed or 0) end
  return allowed > 0 and worse / allowed or math.huge
end

--- Judges `checkpoints`, a list of `{ step, measures = { loss =, ... } }` in order, by `measures` (as above). Gives the one to take,
--- and what there is to say: `{ best, judged, reasons, all_within }`. A measure that none has does not count; a checkpoint
--- without one that others have is not within it. When none is within all, it is the one that misses least.
function choice.pick(checkpoints, measures)
  measures = measures or choice.measures
  local best, judged = {}, {}
  for _, measure in ipairs(measures) do
    for _, item in ipairs(checkpoints) do
      local value = item.measures[measure.name]
      local so_far = best[measure.name]
      if value and (not so_far or (measure.better == "low" and value < so_far.value or measure.better == "high" and value > so_far.value)) then
        best[measure.name] = { value = value, step = item.step }
      end
    end
  end
  local picked, least
  for i, item in ipairs(checkpoints) do
    local misses, count, worst = {}, 0, 0
    for _, measure in ipairs(measures) do
      local top, value = best[measure.name], item.measures[measure.name]
      if top then
        local by = value and excess(measure, value, top.value) or math.huge
        if by > 1 then
          count = count + 1
          misses[#misses + 1] = value and ("%s %.5g, and the best is %.5g (step %d)"):format(measure.label, value, top.value, top.step)
            or measure.label .. " was not measured"
        end
        worst = math.max(worst, by)
      end
    end
    judged[i] = { step = item.step, path = item.path, misses = misses }
    -- Fewer misses count first, then smaller ones, then earlier ones.
    if not least or count < least.count or count == least.count and worst < least.worst and count > 0 then
      least, picked = { count = count, worst = worst }, i
    end
  end
  if not picked then return nil end
  local reasons, item = {}, checkpoints[picked]
  if #judged[picked].misses == 0 then
    reasons[1] = picked == 1 and "it is the first checkpoint, and nothing later is better by more than the tolerances"
      or "it is the earliest with every measure within its tolerance of the best"
  else
    reasons[1] = "no checkpoint is within all tolerances; it misses least: " .. table.concat(judged[picked].misses, "; ")
  end
  for i = 1, picked - 1 do
    reasons[#reasons + 1] = ("step %d is not it: %s"):format(checkpoints[i].step, #judged[i].misses > 0
      and table.concat(judged[i].misses, "; ") or "it misses by more")
  end
  return item, { best = best, judged = judged, reasons = reasons, all_within = #judged[picked].misses == 0 }
end

return choice

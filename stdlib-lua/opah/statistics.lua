--- Figures of lists of numbers: means, medians, and what stands out without hiding itself.
local statistics = {}

--- The mean; nil of no numbers.
---
---     statistics.mean({ 1, 2, 6 })  --> 3.0
---@param list number[]
---@return number?
function statistics.mean(list)
  if #list == 0 then return nil end
  local sum = 0
  for _, value in ipairs(list) do sum = sum + value end
  return sum / #list
end

--- The middle one, or the mean of the middle two; nil of no numbers. The list stays as it is.
---
---     statistics.median({ 9, 1, 2 }), statistics.median({ 4, 1 })  --> 2, 2.5
---@param list number[]
---@return number?
function statistics.median(list)
  if #list == 0 then return nil end
  local sorted = table.move(list, 1, #list, 1, {})
  table.sort(sorted)
  local middle = (#sorted + 1) // 2
  return #sorted % 2 == 1 and sorted[middle] or (sorted[middle] + sorted[middle + 1]) / 2
end

--- The median and a deviation that a few outliers do not widen: 1.4826 times the median distance from the median, which is a
--- normal distribution's standard deviation (Iglewicz and Hoaglin, "How to Detect and Handle Outliers", 1993). Nil of no numbers.
---
---     statistics.spread({ 1, 2, 3, 100 })  --> 2.5, 1.4826
---@param list number[]
---@return number? median
---@return number? deviation
function statistics.spread(list)
  local middle, distances = statistics.median(list), {}
  if not middle then return nil end
  for i, value in ipairs(list) do distances[i] = math.abs(value - middle) end
  return middle, 1.4826 * statistics.median(distances)
end

return statistics

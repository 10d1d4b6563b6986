--- How alike two sets of frames are, in the codec's own features. A code of the firefly codec is four rounded values
-- (finite scalar quantization, levels 8, 5, 5, 5), so a frame of C codes is a point of 4 C values between -1 and 1, and a
-- voice is how such points are spread: mean and deviation of each value.
local tensor = require "opah.tensor"

local features = {}

--- A reader of codes: `levels` of the codec's rounding; codes of the product of the levels and above cannot be.
function features.new(levels)
  local size = 1
  for _, count in ipairs(levels) do size = size * count end
  local rows = {}
  for code = 0, size - 1 do
    local row, rest = {}, code
    for d, count in ipairs(levels) do
      local half = count // 2
      row[d], rest = (rest % count - half) / half, rest // count
    end
    rows[code + 1] = row
  end
  return setmetatable({ size = size, dims = #levels, points = tensor.new(rows) }, { __index = features })
end

--- The points [T, C * dims] of codes [C, T].
function features:of(codes)
  local codebooks, frames = codes:size(1), codes:size(2)
  local flat = codes:t():contiguous():reshape(frames * codebooks):to("int64"):clamp(0, self.size - 1) + 1
  return self.points:index_select(1, flat):reshape(frames, codebooks * self.dims)
end

--- How the points of codes are spread: sums that `add` can go on with.
function features:spread(codes)
  local points = self:of(codes)
  return { frames = points:size(1), sum = points:sum(1), squares = (points * points):sum(1) }
end

--- Two spreads as one; nil counts as none.
function features.add(a, b)
  if not a then return b end
  if not b then return a end
  return { frames = a.frames + b.frames, sum = a.sum + b.sum, squares = a.squares + b.squares }
end

local function moments(spread)
  local mean = spread.sum / spread.frames
  return mean, (spread.squares / spread.frames - mean * mean):clamp(0, math.huge):sqrt()
end

--- Fréchet's distance of two spreads taken as normal and independent in each value, over the root of their number: 0 for the
--- same, 1 for means that lie half of the whole range apart.
function features.distance(a, b)
  local mean_a, deviation_a = moments(a)
  local mean_b, deviation_b = moments(b)
  local means, deviations = mean_a - mean_b, deviation_a - deviation_b
  return math.sqrt((means * means + deviations * deviations):mean():item())
end

return features

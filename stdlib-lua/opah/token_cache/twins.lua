--- Sounds that several clips of one project have and no cache knows yet: the first clip of each is extracted before all
--- else, so that the others find its codes.
local fs, vq = require "opah.fs", require "opah.vq"

local twins = {}

--- Of items `{ clip, sound }` those clips whose sound others have too, the first of each sound; and those others.
function twins.among(items)
  local first, firsts, others = {}, {}, {}
  for _, item in ipairs(items) do
    local before = first[item.sound]
    if before then
      if not before.counted then firsts[#firsts + 1] = before.clip end
      before.counted = true
      others[#others + 1] = item.clip
    else
      first[item.sound] = { clip = item.clip }
    end
  end
  return firsts, others
end

--- Whether a path can stand in a line of a filelist and be nothing else: no bar, no end of a line in any script.
local function is_plain(path)
  for _, part in ipairs { "[|%c]", "\u{85}", "\u{2028}", "\u{2029}" } do
    if path:find(part) then return false end
  end
  return true
end

--- vq.extract's report on these clips alone. One that is left out here is extracted with all others.
function twins.extract(clips, codec, batch_size)
  local folder, lines = fs.tempdir(), {}
  local remover <close> = setmetatable({}, { __close = function() fs.remove(folder, { recursive = true }) end })
  for _, clip in ipairs(clips) do
    if is_plain(clip.audio) then lines[#lines + 1] = clip.audio .. "|speaker|en|text\n" end
  end
  local list = fs.join(folder, "twins.txt")
  fs.write(list, table.concat(lines))
  return vq.extract { filelist = list, codec = codec, batch_size = batch_size, shard = "1/1" }
end

return twins

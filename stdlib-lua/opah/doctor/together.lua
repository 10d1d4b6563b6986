--- What only shows when all clips are seen: clips that are there twice, speakers who differ from themselves, codes of
-- another codec.
local codes, duplicates = require "opah.doctor.codes", require "opah.doctor.duplicates"
local speakers = require "opah.doctor.speakers"

--- Adds the faults of clips that `clips.examine` has seen.
---@param clips table[]
---@param found opah.doctor.Faults
return function(clips, found)
  speakers.unite(clips)
  speakers.folders(clips, found)
  duplicates.find(clips, found)
  speakers.rates(clips, found)
  speakers.scripts(clips, found)
  speakers.texts(clips, found)
  codes.compare(clips, found)
end

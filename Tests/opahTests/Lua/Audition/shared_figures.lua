local scripts, statistics = require "opah.scripts", require "opah.statistics"
local sentences, speaker = require "opah.audition.sentences", require "opah.audition.speaker"
local list = { 4, 1, 2, 3 }
assert(statistics.median(list) == 2.5 and list[1] == 4, "the list stays as it is")
assert(statistics.median { 3, 1, 2 } == 2 and statistics.median {} == nil and statistics.mean {} == nil)
local middle, deviation = statistics.spread { 10, 11, 9, 10, 12, 900 }
assert(middle == 10.5 and math.abs(deviation - 1.4826) < 1e-9, "one outlier widens nothing")

for line, expected in pairs { ["今日は静かです"] = "Japanese", ["Microsoft Teamsの使い方です"] = "Japanese", ["今天很安静"] = "Han", ["안녕"] = "Hangul",
  ["Тихо"] = "Cyrillic", ["Café 12"] = "Latin", ["Καλή μέρα"] = "Greek" } do
  assert(scripts.main((scripts.count(line))) == expected, line)
end
assert(select(2, scripts.count("Hi, you 2!")) == 6, "digits are spoken")
assert(scripts.main((scripts.count("12."))) == nil)

-- A text without letters is taken for the usual one; a script without sentences has none.
local seconds, guessed = speaker.expected(nil, "14!")
assert(guessed and math.abs(seconds - 2 / 14) < 1e-9)
assert(sentences.language "Japanese" == "ja" and sentences.language "Latin" == "en" and sentences.language "Greek" == nil)

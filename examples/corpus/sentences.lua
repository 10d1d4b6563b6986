--- Sentences by a grammar, and strings of random words, from one vocabulary of common words: the same for the same seed.
--
--   local sentences = dofile("sentences.lua")
--   print(sentences.make("grammar", 7))     -- the seventh
--   sentences.use(dofile("small.lua"))      -- another domain: { words = {...}, templates = {...}, stop = "." }
--
-- Held out by construction: of the sentences that the grammar makes, those whose digest falls into one twentieth are for
-- measuring only. `make` never gives one of them, `held_out` nothing else.
local sentences = {}

local words = {
  person = { "teacher", "farmer", "doctor", "sailor", "painter", "driver", "baker", "singer", "captain", "neighbour", "brother", "sister",
    "mother", "father", "friend", "child", "woman", "man", "girl", "boy" },
  animal = { "dog", "cat", "horse", "bird", "fish", "cow", "sheep", "rabbit", "mouse", "bear" },
  thing = { "book", "letter", "table", "window", "door", "lamp", "clock", "basket", "bottle", "picture", "ticket", "ladder", "hammer", "blanket",
    "guitar", "kettle", "mirror", "pencil", "camera", "wagon" },
  place = { "garden", "kitchen", "harbour", "village", "market", "station", "forest", "river", "mountain", "island", "valley", "bridge",
    "library", "school", "church", "castle", "meadow", "street", "tower", "beach" },
  adjective = { "old", "young", "small", "large", "quiet", "happy", "tired", "green", "yellow", "purple", "heavy", "gentle", "clever", "hungry",
    "careful", "empty", "broken", "golden", "narrow", "wooden" },
  seen = { "found", "carried", "painted", "watched", "followed", "remembered", "borrowed", "wanted", "noticed", "described", "lifted", "cleaned",
    "bought", "opened", "moved", "covered" },
  gone = { "walked", "waited", "travelled", "arrived", "slept", "worked", "danced", "rested", "laughed", "played" },
  where = { "near", "behind", "beside", "above", "under", "across", "inside", "toward" },
  when = { "yesterday", "this morning", "in the evening", "after dinner", "before sunrise", "last winter", "on monday", "at midnight",
    "every summer", "once again" },
  how = { "slowly", "quickly", "alone", "together", "happily", "softly" },
  number = { "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twelve" },
  plural = { "apples", "stones", "candles", "children", "horses", "letters", "flowers", "houses", "boats", "songs" },
}

-- Slots in braces are drawn; the rest stands as it is.
local templates = {
  "the {adjective} {person} {seen} the {thing} {where} the {place}.",
  "the {person} {gone} {how} {where} the {place}.",
  "{when} the {animal} {gone} {where} the {adjective} {place}.",
  "a {adjective} {animal} {seen} {number} {plural}.",
  "{number} {plural} were {where} the {adjective} {thing}.",
  "the {person} and the {person} {seen} a {adjective} {thing} {when}.",
  "where is the {thing} that the {person} {seen}?",
  "my {person} {seen} {number} {adjective} {plural} {when}.",
  "the {place} is {adjective} and the {place} is {adjective}.",
  "she {seen} the {thing}, and he {seen} the {animal}.",
  "we {gone} {where} the {place} with a {adjective} {animal}.",
  "please bring the {adjective} {thing} to the {person} {when}.",
}

local vocabulary
local stop = "."

--- Takes words and templates of another domain from now on; `stop` ends a string of random words, a full stop unless given.
---@param domain { words: table<string, string[]>, templates: string[], stop: string? }
function sentences.use(domain) words, templates, stop, vocabulary = domain.words, domain.templates, domain.stop or ".", nil end

-- Words of any script: Lua's patterns see bytes, so a stop of several bytes goes first.
local function words_of(text) return (text:gsub("。", " ")):gmatch("[^%s%p]+") end

--- Every word that can be drawn, in order.
function sentences.vocabulary()
  local all, seen = {}, {}
  for _, list in pairs(words) do
    for _, entry in ipairs(list) do
      for word in words_of(entry) do
        if not seen[word] then seen[word] = true all[#all + 1] = word end
      end
    end
  end
  for _, template in ipairs(templates) do
    for word in words_of((template:gsub("{%a+}", ""))) do
      if not seen[word] then seen[word] = true all[#all + 1] = word end
    end
  end
  table.sort(all)
  return all
end

-- Numbers by SplitMix64: the same on every machine. The seed is mixed too, as streams of neighbouring seeds would be one
-- stream, begun a number apart.
local function mixed(z)
  z = (z ~ (z >> 30)) * 0xBF58476D1CE4E5B9
  z = (z ~ (z >> 27)) * 0x94D049BB133111EB
  return z ~ (z >> 31)
end

local function numbers(seed)
  local state = mixed(seed + 0x632BE59BD9B4E019)
  return function(n)
    state = state + 0x9E3779B97F4A7C15
    return (mixed(state) >> 11) % n + 1
  end
end

local function capital(text) return (text:gsub("^%a", string.upper)) end

local function from_grammar(draw)
  return capital((templates[draw(#templates)]:gsub("{(%a+)}", function(kind) return words[kind][draw(#words[kind])] end)))
end

local function from_words(draw)
  vocabulary = vocabulary or sentences.vocabulary()
  local list = {}
  for i = 1, draw(6) + 3 do list[i] = vocabulary[draw(#vocabulary)] end
  return capital(table.concat(list, " ") .. stop)
end

--- Whether a sentence is for measuring only.
function sentences.is_held_out(text)
  local digest = 5381
  for i = 1, #text do digest = (digest * 33 + text:byte(i)) & 0xFFFFFFFF end
  return digest % 20 == 0
end

local function nth(kind, number, wanted)
  local draw = numbers(number * 2 + (kind == "words" and 1 or 0))
  while true do
    local text = kind == "words" and from_words(draw) or from_grammar(draw)
    if sentences.is_held_out(text) == wanted then return text end
  end
end

--- The sentence of a number: kind "grammar" or "words".
function sentences.make(kind, number) return nth(kind, number, false) end

--- A sentence for measuring, by the grammar.
function sentences.held_out(number) return nth("grammar", number, true) end

return sentences

--- A domain of sixty words, for a model that is small enough to come with the program: see sentences.lua.
return {
  words = {
    person = { "teacher", "farmer", "doctor", "sailor", "mother", "brother" },
    animal = { "horse", "rabbit", "bird" },
    thing = { "book", "window", "letter", "basket", "picture", "guitar" },
    place = { "garden", "kitchen", "harbour", "market", "river", "castle" },
    adjective = { "old", "happy", "quiet", "yellow", "purple", "small" },
    seen = { "found", "carried", "painted", "wanted", "opened" },
    gone = { "walked", "waited", "danced" },
    where = { "near", "behind", "under" },
    number = { "two", "three", "seven", "nine", "twelve" },
    plural = { "apples", "stones", "candles" },
    when = { "today", "yesterday", "again" },
    how = { "slowly", "alone" },
  },
  templates = {
    "the {adjective} {person} {seen} the {thing} {where} the {place}.",
    "the {person} {gone} {how} {where} the {place}.",
    "the {adjective} {animal} {gone} {where} the {place} {when}.",
    "my {person} {seen} {number} {plural} {when}.",
    "{number} {plural} are {where} the {adjective} {thing}.",
    "the {person} and the {person} {seen} a {adjective} {thing}.",
    "the {place} is {adjective} and the {thing} is {adjective}.",
    "please bring the {adjective} {thing} to my {person}.",
  },
}

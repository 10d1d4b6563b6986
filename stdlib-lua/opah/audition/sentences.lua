--- What checkpoints say at an audition: sentences that came with the program, by language, or a person's own.
-- They hold questions, numbers, names, a long and a short one: what voices go wrong on. Their words are in no public corpus.
local config, fs, text = require "opah.config", require "opah.fs", require "opah.text"
local trim = require "opah.trim"

local sentences = {}

sentences.of = {
  en = {
    "Could you leave the blue key under the third stone, please?",
    "On Tuesday, seventeen small boats came home before the rain did.",
    "Yes.",
  },
  ja = {
    "すみません、青い鍵を三つ目の石の下に置いておいてもらえますか。",
    "火曜日には、雨が降る前に十七そうの小舟が港へ戻ってきました。",
    "はい。",
  },
  zh = {
    "请把蓝色的钥匙放在第三块石头下面，好吗？",
    "星期二，十七条小船赶在下雨之前回到了港口。",
    "好的。",
  },
  ko = {
    "파란 열쇠를 세 번째 돌 아래에 두어 주시겠어요?",
    "화요일에는 비가 오기 전에 작은 배 열일곱 척이 돌아왔습니다.",
    "네.",
  },
  de = {
    "Könnten Sie den blauen Schlüssel bitte unter den dritten Stein legen?",
    "Am Dienstag kamen siebzehn kleine Boote noch vor dem Regen heim.",
    "Ja.",
  },
  fr = {
    "Pourriez-vous laisser la clé bleue sous la troisième pierre ?",
    "Mardi, dix-sept petits bateaux sont rentrés avant la pluie.",
    "Oui.",
  },
  es = {
    "¿Podría dejar la llave azul debajo de la tercera piedra?",
    "El martes, diecisiete barcas pequeñas volvieron antes que la lluvia.",
    "Sí.",
  },
  ru = {
    "Не могли бы вы положить синий ключ под третий камень?",
    "Во вторник семнадцать лодок вернулись домой раньше дождя.",
    "Да.",
  },
  ar = {
    "هل يمكنك أن تترك المفتاح الأزرق تحت الحجر الثالث؟",
    "يوم الثلاثاء عادت سبعة عشر قاربا صغيرا قبل المطر.",
    "نعم.",
  },
}

--- The languages there are sentences in, in order.
function sentences.languages()
  local list = {}
  for name in pairs(sentences.of) do list[#list + 1] = name end
  table.sort(list)
  return list
end

local language_of = { Japanese = "ja", Han = "zh", Hangul = "ko", Cyrillic = "ru", Arabic = "ar" }

--- The language whose sentences suit texts of a script; nil when that is no script of theirs, "en" for Latin letters.
function sentences.language(script) return language_of[script] or script == "Latin" and "en" or nil end

--- The lines of a person's file: one sentence each; empty lines, and those that begin with #, are passed over.
function sentences.read(path)
  local content, list = fs.read(path), {}
  if not utf8.len(content) then
    config.usage_error(("--texts: %s is not UTF-8 text (iconv converts it)"):format(path))
  end
  for line in (content:gsub("^\u{FEFF}", "") .. "\n"):gmatch("(.-)\r?\n") do
    line = trim(line)
    if line ~= "" and line:sub(1, 1) ~= "#" then
      if text.clean(line):find("[^%s%p]") then list[#list + 1] = line end
    end
  end
  if #list == 0 then config.usage_error(("--texts: %s has no sentence to say"):format(path)) end
  return list
end

return sentences

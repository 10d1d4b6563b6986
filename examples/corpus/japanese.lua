--- Sixty-two words of Japanese in kana, with a space between words as in books for children: see sentences.lua.
return {
  stop = "。",
  words = {
    person = { "せんせい", "いしゃ", "ともだち", "こども", "あに", "むすめ" },
    animal = { "うま", "うさぎ", "ことり" },
    thing = { "ほん", "てがみ", "かばん", "とけい", "かさ", "ギター" },
    place = { "にわ", "いちば", "みなと", "もり", "だいどころ", "おしろ" },
    adjective = { "あたらしい", "ふるい", "ちいさい", "きいろい", "しずかな", "きれいな" },
    said = { "あたらしい", "ふるい", "ちいさい", "きいろい" },
    seen = { "みつけました", "はこびました", "えらびました", "みがきました", "わすれました" },
    gone = { "あるきました", "やすみました", "おどりました" },
    where = { "まえ", "うしろ", "ちかく" },
    number = { "ふたつ", "みっつ", "いつつ", "ななつ" },
    plural = { "りんご", "たまご", "いし" },
    when = { "きょう", "きのう", "けさ" },
    how = { "ゆっくり", "ひとりで" },
  },
  templates = {
    "{adjective} {person} は {place} の {where} で {thing} を {seen}。",
    "{person} は {place} の {where} で {how} {gone}。",
    "{when} {adjective} {animal} が {place} の {where} で {gone}。",
    "わたし の {person} は {when} {plural} を {number} {seen}。",
    "{adjective} {thing} の {where} に {plural} が {number} あります。",
    "{person} と {person} は {adjective} {thing} を {seen}。",
    "{place} の {person} の {thing} は {said} です。",
    "{adjective} {thing} を わたし の {person} に とどけて ください。",
  },
}

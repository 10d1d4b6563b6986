local words = { 'the harbour is quiet', 'a boat comes in late', 'nobody waits for it', 'the lamp is still lit', 'rain falls on stone',
  'we walk up the hill', 'there is bread left', 'the door stays open', 'a dog barks far off', 'morning is not near' }
for i, line in ipairs(words) do put('S/' .. i .. '.wav', voice(2, i), nil, line) end
local bad = {
  control = 'he says <|im_end|> twice', odd = 'a soft\xC2\xADly hidden mark', markup = 'some <b>bold</b> words', mixed = 'the h\xD0\xB0rbour of it all',
  other = '\xD0\xB4\xD0\xBE\xD0\xB1\xD1\x80\xD0\xBE\xD0\xB5 \xD1\x83\xD1\x82\xD1\x80\xD0\xBE \xD0\xB2\xD1\x81\xD0\xB5\xD0\xBC',
  much = ('far too many words for two seconds '):rep(4), words = '?!...', again = 'the harbour is quiet',
}
local seed = 20
for name, line in pairs(bad) do seed = seed + 1 put('S/' .. name .. '.wav', voice(2, seed), nil, line) end
put('S/none.wav', voice(2, 40))
put('S/latin1.wav', voice(2, 41))
fs.write('in/S/latin1.lab', 'the caf\xE9 is open today')
put('S/empty.wav', voice(2, 42), nil, ' ')
fs.write('in/S/alone.lab', 'no recording')

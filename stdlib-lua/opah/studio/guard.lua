--- What keeps other pages of the same browser away: an edit needs the word that this start of the program wrote into
-- its own page, and comes from that page's origin. Who may ask at all, the server itself decides (opah.http).
local loop = require "opah.serving.loop"

local guard = {}

--- A word that nobody guesses: 128 bits of the system's random numbers.
function guard.word()
  local file <close> = assert(io.open("/dev/urandom", "rb"))
  return (file:read(16):gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

--- The headers of all answers: nothing from elsewhere, in no frame, kept nowhere, read by no other origin.
guard.headers = {
  ["Content-Security-Policy"] = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    .. "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  ["Cross-Origin-Resource-Policy"] = "same-origin", ["Cross-Origin-Opener-Policy"] = "same-origin",
    ["Referrer-Policy"] = "no-referrer",
  ["X-Frame-Options"] = "DENY", ["Cache-Control"] = "no-store",
}

--- Takes as long for a word that is nearly right as for one that is all wrong.
local function is_equal(a, b)
  local difference = #a ~ #b
  for i = 1, #b do difference = difference | (b:byte(i) ~ (a:byte(i) or 0)) end
  return difference == 0
end

--- A route that changes something, for requests of this start's own page alone.
function guard.own(word, route)
  return function(context)
    local headers = context.request.headers
    local origin, host = headers.origin, headers.host or ""
    if origin and origin ~= "http://" .. host and origin ~= "https://" .. host then
      loop.fail(403, "edits are taken from the studio's own page only, not from " .. origin:sub(1, 80),
        { code = "foreign_origin" })
    end
    local site = headers["sec-fetch-site"]
    if site and site ~= "same-origin" then
      loop.fail(403, "edits are taken from the studio's own page only", { code = "foreign_origin" })
    end
    if not is_equal(headers["x-opah-page"] or "", word) then
      loop.fail(403, "this page is of another start of the studio: load it again", { code = "stale_page" })
    end
    return route(context)
  end
end

return guard

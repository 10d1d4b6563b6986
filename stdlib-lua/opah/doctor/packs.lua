--- Packs (.protos) as training would read them.
local data, fs = require "opah.data", require "opah.fs"
local packs = {}

--- Adds `bad-pack` for a file that cannot be read to its end, or whose sentences cannot be trained on; the first of
--- each kind, with how many more there are. Returns how many sentences can be used.
---@param path string A .protos file.
---@param found opah.doctor.Faults
---@param with { num_codebooks: integer, codebook_size: integer }
---@return integer
function packs.check(path, found, with)
  local usable, sentences, problems, order = 0, 0, {}, {}
  local function problem(kind, what)
    if not problems[kind] then problems[kind], order[#order + 1] = { count = 0, what = what }, kind end
    problems[kind].count = problems[kind].count + 1
  end
  local ok, reason = pcall(function()
    for group in data.read(path) do
      for _, sentence in ipairs(group.sentences) do
        sentences = sentences + 1
        local where = ("sentence %d (%s): "):format(sentences, group.name)
        local codes, text = sentence.codes, table.concat(sentence.texts)
        local before = #order
        local fine = false
        if not text:find("%S") then problem("text", where .. "it has no words")
        elseif codes:numel() == 0 then problem("empty", where .. "it has no codes")
        elseif codes:size(1) ~= with.num_codebooks then
          problem("shape", where .. ("%d codebooks, where the model has %d"):format(codes:size(1), with.num_codebooks))
        elseif codes:min():item() < 0 or codes:max():item() >= with.codebook_size then
          problem("range", where .. ("codes up to %d, where %d are known"):format(codes:max():item(),
            with.codebook_size))
        else fine = #order == before end
        if fine then usable = usable + 1 end
      end
    end
  end)
  if not ok then
    if type(reason) == "userdata" and reason.kind == "interrupted" then error(reason, 0) end
    problem("read", (require "opah".error_text(reason)))
  elseif sentences == 0 then problem("none", "it holds no sentences") end
  for _, kind in ipairs(order) do
    local more = problems[kind].count - 1
    found:add("bad-pack", path, problems[kind].what .. (more > 0 and (" (and %d more like it)"):format(more) or ""))
  end
  return usable
end

--- The packs below a folder, or the file itself.
---@param path string
---@return string[]
function packs.of(path)
  local stat = fs.stat(path)
  if stat and stat.kind == "file" then return { path } end
  return stat and fs.list(path, { recursive = true, extension = ".protos" }) or {}
end

return packs

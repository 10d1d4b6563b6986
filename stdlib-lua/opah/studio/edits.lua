--- What a person does to clips from the page: a label is written, a clip is put aside, and both are taken back.
local fs, text = require "opah.fs", require "opah.text"
local history, labels = require "opah.studio.history", require "opah.studio.labels"
local loop, quarantine = require "opah.serving.loop", require "opah.doctor.quarantine"
local field = loop.field

local edits = {}

local function clip_of(studio, body)
  local id = field(body, "id", "string") or loop.fail(400, "id is missing: the clip", { param = "id" })
  return studio.clips:find(id) or loop.fail(404, "there is no clip " .. id .. " (any more)",
    { param = "id", code = "no_clip" })
end

--- The answer to an edit: the clip as it is now, and what undo would do next.
local function answer(context, studio, entry, more)
  local value = { clip = entry and studio.clips:describe(entry) or nil, undo = studio.history:describe() }
  for name, one in pairs(more or {}) do value[name] = one end
  context:json(200, value)
end

local function conflict(context, studio, entry, message, more)
  local value = { error = { message = message, type = "invalid_request_error", code = "conflict" },
    undo = studio.history:describe(),
    clip = entry and studio.clips:describe(entry) or nil }
  for name, one in pairs(more or {}) do value[name] = one end
  context:json(409, value)
end

--- POST /api/label { id, text, digest }: `digest` is that of the label which the page showed.
function edits.label(context, studio)
  local body = context:fields()
  local entry = clip_of(studio, body)
  local line = labels.check(field(body, "text", "string") or loop.fail(400, "text is missing", { param = "text" }))
  local seen = field(body, "digest", "string") or loop.fail(400, "digest is missing: that of the label which was seen",
    { param = "digest" })
  local now, other = labels.current(studio.clips, entry, seen)
  if not now then
    studio.clips:changed(entry)
    return conflict(context, studio, entry, other.file
      .. " was changed by somebody else since this page read it: nothing was written. "
      .. "Compare the two texts, then save again", { yours = line })
  end
  -- The end of the line stays as whoever made the file had it.
  local bytes = line .. (now.bytes and now.bytes:match("\r?\n$") or "")
  if bytes ~= now.bytes then
    studio.history:add { action = "label", id = entry.id, file = fs.relative(now.path, studio.clips.folder),
      before = now.bytes and history.packed(now.bytes), after = text.digest(bytes) }
    local ok, problem = pcall(labels.write, now.path, bytes)
    if not ok then
      studio.history:drop()
      error(problem, 0)
    end
    local suffix = now.path:sub(#entry.clip.stem + 1)
    entry.clip.labels[suffix] = now.path
    studio.clips:changed(entry)
  end
  context.details.clip = entry.id
  answer(context, studio, entry)
end

--- What could not be moved, as one text.
local function listed(failed)
  local lines = {}
  for _, item in ipairs(failed) do lines[#lines + 1] = item end
  return table.concat(lines, "; ")
end

local function collector(failed)
  return function(path, problem)
    failed[#failed + 1] = type(problem) == "string" and path .. ": " .. problem or (require "opah".error_text(problem))
  end
end

--- POST /api/exclude { id }: the clip goes into the quarantine with its label and codes; doctor --restore knows the way
--- back.
function edits.exclude(context, studio)
  local entry = clip_of(studio, context:fields())
  local clip, why, names = entry.clip, { "excluded in the studio" }, {}
  for _, fault in ipairs(entry.found and entry.found.list or {}) do
    if fault.severity == "error" then why[#why + 1] = fault.code .. ": " .. fault.what end
  end
  local files = quarantine.files(clip)
  for i, path in ipairs(files) do
    names[i] = fs.relative(path, studio.clips.folder)
    if not studio.clips:holds(fs.dirname(path) .. "/x") then
      loop.fail(409, names[i] .. " lies behind a link that leads out of the folder: it is left alone",
        { code = "not_editable" })
    end
  end
  studio.history:add { action = "exclude", id = entry.id, files = names }
  local failed = {}
  local ok, moved = pcall(quarantine.move, studio.clips.folder, studio.quarantine,
    { { files = files, why = table.concat(why, "; ") } }, collector(failed))
  if not ok or moved == 0 then studio.history:drop() end
  if ok and #failed == 0 then studio.clips:remove(entry) else studio.clips:refresh() end
  if not ok then error(moved, 0) end
  if #failed > 0 then loop.fail(409, "not everything could be moved: " .. listed(failed), { code = "not_moved" }) end
  context.details.clip = entry.id
  answer(context, studio, nil, { moved = moved, quarantine = studio.quarantine })
end

local function undo_label(context, studio, step)
  local entry = studio.clips:find(step.id)
  local function refuse(why)
    studio.history:drop()
    conflict(context, studio, entry, why .. ": it stays as it is, and undo goes on with the step before")
  end
  if not entry then
    return refuse("the clip " .. step.id .. " is not here any more, so its label cannot be taken back")
  end
  local now = labels.current(studio.clips, entry, step.after)
  if not now or fs.relative(now.path, studio.clips.folder) ~= step.file then
    studio.clips:changed(entry)
    return refuse(step.file .. " was changed by somebody else since it was edited here")
  end
  local before = step.before and history.unpacked(step.before)
  if step.before and not before then return refuse("the history of " .. step.file .. " is damaged") end
  labels.write(now.path, before)
  if not before then entry.clip.labels[now.path:sub(#entry.clip.stem + 1)] = nil end
  studio.clips:changed(entry)
  studio.history:drop()
  answer(context, studio, entry, { undone = "label", id = step.id })
end

local function undo_exclude(context, studio, step)
  local only, failed = {}, {}
  for _, file in ipairs(step.files) do only[file] = true end
  local there = fs.exists(fs.join(studio.quarantine, quarantine.list))
  local moved = there and quarantine.restore(studio.clips.folder, studio.quarantine, collector(failed), only) or 0
  studio.history:drop()
  studio.clips:refresh()
  local entry = studio.clips:find(step.id)
  if #failed > 0 or moved == 0 then
    return conflict(context, studio, entry, #failed > 0 and "not everything could be moved back: " .. listed(failed)
      or ("%s is not in %s any more"):format(step.id, studio.quarantine))
  end
  answer(context, studio, entry, { undone = "exclude", id = step.id, moved = moved })
end

--- POST /api/undo: takes back the last edit, unless somebody changed the same file since.
function edits.undo(context, studio)
  context:fields()
  local step = studio.history:last()
  if not step then loop.fail(409, "there is nothing to undo", { code = "nothing_to_undo" }) end
  context.details.clip = step.id
  if step.action == "label" then undo_label(context, studio, step) else undo_exclude(context, studio, step) end
end

return edits

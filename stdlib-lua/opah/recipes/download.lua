--- Fetch a model from the Hugging Face hub; run again, it goes on where it stopped.
-- opah run download fishaudio/fish-speech-1.4 --local-dir checkpoints/fish-speech-1.4
-- Both releases that can be trained here are there: fish-speech-1.4 and fish-speech-1.5.
-- HF_TOKEN opens gated repositories; HF_ENDPOINT names a mirror. Every file is checked against its digest. OPAH_HUB_TIMEOUT
-- is how long the hub may be silent, in seconds (30).
local recipe, fs, hub, progress = require "opah.recipe", require "opah.fs", require "opah.hub", require "opah.progress"
local machine = require "opah.machine"

return recipe {
  positionals = {
    { "repo", "string", "OWNER/NAME" },
    { "filenames", "string", "these files only; all when there are none", optional = true, multiple = true },
  },
  flags = {
    { "local-dir", "path", nil, "the folder for the files", required = true },
    { "revision", "string", "main", "a branch, a tag or a commit; a commit always gives the same bytes" },
    { "include", "string", {}, "only files like this pattern (*.json)", multiple = true },
    { "exclude", "string", {}, "no files like this pattern", multiple = true },
    { "token", "string", nil, "access token; else $HF_TOKEN, else the one that huggingface-cli stored" },
    { "force-download", "boolean", false, "fetch what is there as well" },
  },
  run = function(args)
    --- Whether a path matches a shell pattern, in which `*` also stands for slashes.
    local function is_like(path, pattern)
      local lua = pattern:gsub("[%^%$%(%)%%%.%+%-]", "%%%0"):gsub("%*", ".*"):gsub("%?", ".")
      return path:match("^" .. lua .. "$") ~= nil
    end

    local function any(list, test)
      for _, item in ipairs(list) do if test(item) then return true end end
      return false
    end

    --- Whether the command line asks for this file.
    local function is_wanted(path)
      local function like(pattern) return is_like(path, pattern) end
      if #args.filenames > 0 then return any(args.filenames, function(name) return name == path end) end
      return (#args.include == 0 or any(args.include, like)) and not any(args.exclude, like)
    end

    local repository <close> = hub.open(args.repo, { revision = args.revision, token = args.token })
    local wanted, found = {}, {}
    for _, file in ipairs(repository:files(args.local_dir)) do
      found[file.path] = true
      if is_wanted(file.path) then wanted[#wanted + 1] = file end
    end
    for _, name in ipairs(args.filenames) do
      if not found[name] then
        error(fs.error("file", ("%s has no file %s"):format(args.repo, name), "without names, all files are fetched"), 0)
      end
    end

    if #wanted == 0 then
      error(fs.error("file", ("%s has no file to fetch here"):format(args.repo), "see --include and --exclude"), 0)
    end

    local to_come, free = repository:missing(wanted, args.local_dir, { force = args.force_download }), machine.free_disk(args.local_dir)
    if to_come > free then
      error(fs.error("file", ("%s are to come, and %s has %s free"):format(progress.size(to_come), args.local_dir, progress.size(free)),
        "free some space, choose another --local-dir, or fetch fewer files: --include and --exclude"), 0)
    end

    local fetched, bytes = 0, 0
    for i, file in ipairs(wanted) do
      progress.log(("[%d/%d] %s (%s)"):format(i, #wanted, progress.name(file.path), progress.size(file.size)))
      if repository:fetch(file, args.local_dir, { force = args.force_download }) == "fetched" then
        fetched, bytes = fetched + 1, bytes + file.size
      end
    end
    progress.log(("%d files fetched (%s), %d were there; revision %s")
      :format(fetched, progress.size(bytes), #wanted - fetched, repository.commit))
    progress.result { files = #wanted, fetched = fetched, bytes = bytes, revision = repository.commit, folder = args.local_dir }
    print(args.local_dir)
    return 0
  end,
}

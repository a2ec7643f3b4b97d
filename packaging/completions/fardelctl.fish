# SPDX-License-Identifier: LGPL-2.1-or-later
# fish completion for fardelctl, which knows by itself what can follow.

function __fardelctl_complete
    set -l words (commandline --tokenize --cut-at-cursor --current-process)
    set -l current (commandline --current-token --cut-at-cursor)
    set -l lines (command fardelctl complete $words[2..] $current 2>/dev/null)

    switch "$lines[1]"
        case :files
            __fish_complete_path (string replace --regex '^--[a-z-]+=' '' -- $current)
        case :directories
            __fish_complete_directories (string replace --regex '^--[a-z-]+=' '' -- $current) ''
        case '*'
            string join \n -- $lines
    end
end

complete --command fardelctl --no-files --arguments '(__fardelctl_complete)'

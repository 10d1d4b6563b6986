import ArgumentParser
import Support

/// Scripts that make a shell ask this program what may come next.
struct Completions: ParsableCommand {
    enum Shell: String, ExpressibleByArgument, CaseIterable { case bash, zsh, fish }

    static let configuration = CommandConfiguration(
        abstract: "Print the script by which bash, zsh or fish complete commands, recipes, options and overrides.",
        discussion: """
            scripts/install puts them where shells look for them. By hand:
              bash  opah completions bash > ~/.local/share/bash-completion/completions/opah
              zsh   opah completions zsh > a folder of your fpath, as _opah
              fish  opah completions fish > ~/.config/fish/completions/opah.fish
            """)
    @Argument(help: "bash, zsh or fish.") var shell: Shell

    mutating func run() throws {
        switch shell {
        case .bash: print(Self.bash)
        case .zsh: print(Self.zsh)
        case .fish: print(Self.fish)
        }
    }

    private static let bash = #"""
        # bash completion for opah
        _opah() {
            local line=${COMP_LINE:0:COMP_POINT} word text breaks kept
            local current=${line##*[[:space:]]}
            # bash replaces only what stands behind the last of its separators.
            for word in = : @; do [[ $COMP_WORDBREAKS == *"$word"* ]] && breaks+=$word; done
            [[ -n $breaks ]] && kept=${current%"${current##*[$breaks]}"}
            local tail=${current#"$kept"}
            COMPREPLY=()
            while IFS=$'\t' read -r word text; do
                case $word in
                    :files) compopt -o filenames 2>/dev/null; while read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$tail") ;;
                    :scripts) compopt -o filenames 2>/dev/null
                        while read -r word; do [[ -d $word || $word == *.lua ]] && COMPREPLY+=("$word"); done < <(compgen -f -- "$tail") ;;
                    :folders) compopt -o filenames 2>/dev/null; while read -r word; do COMPREPLY+=("$word"); done < <(compgen -d -- "$tail") ;;
                    *) COMPREPLY+=("${word#"$kept"}") ;;
                esac
            done < <(command opah complete-words --line "$line" 2>/dev/null)
            [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
            return 0
        }
        complete -F _opah opah
        """#

    private static let zsh = #"""
        #compdef opah
        _opah() {
            local word text kind
            local -a plain open
            while IFS=$'\t' read -r word text; do
                case $word in
                    :files) kind=files ;;
                    :scripts) kind=scripts ;;
                    :folders) kind=folders ;;
                    *=) open+=("${word//:/\\:}${text:+:$text}") ;;
                    *) plain+=("${word//:/\\:}${text:+:$text}") ;;
                esac
            done < <(command opah complete-words -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)
            (( $#plain )) && _describe -t words opah plain
            (( $#open )) && _describe -t overrides override open -S ''
            case $kind in
                files) _files ;;
                scripts) _files -g '*.lua' ;;
                folders) _files -/ ;;
            esac
            return 0
        }
        if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _opah "$@"; else compdef _opah opah; fi
        """#

    private static let fish = #"""
        # fish completion for opah
        function __opah_complete
            set -l current (commandline -ct)
            for line in (command opah complete-words -- (commandline -opc)[2..] $current 2>/dev/null)
                switch $line
                    case ':files'
                        __fish_complete_path $current
                    case ':scripts'
                        __fish_complete_path $current | string match -r '^[^\t]*(?:/|\.lua)(?:\t.*)?$'
                    case ':folders'
                        __fish_complete_directories $current ''
                    case '*'
                        printf '%s\n' $line
                end
            end
        end
        complete -c opah -f -a '(__opah_complete)'
        """#
}

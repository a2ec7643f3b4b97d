# SPDX-License-Identifier: LGPL-2.1-or-later
# bash completion for fardelctl, which knows by itself what can follow.

_fardelctl ()
{
  local line=${COMP_LINE:0:COMP_POINT} word cur=${COMP_WORDS[COMP_CWORD]} value description quoted before i
  local -a words=() values=() descriptions=()

  # bash splits words at "=", "@" and ":", too: put together what stands together.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if ((i == 0)) || [[ $line == [[:blank:]]* ]]; then
      line=${line#"${line%%[![:blank:]]*}"}
      words+=('')
    fi
    ((i == COMP_CWORD)) && word=$line
    words[${#words[@]} - 1]+=$word
    line=${line#"$word"}
  done
  word=${words[-1]}
  [[ $cur == [=@:] ]] && cur=
  before=${word%"$cur"} # what bash leaves as it is when it replaces its own last word
  before=${before%@}    # but that goes with the word

  COMPREPLY=()
  while IFS=$'\t' read -r value description; do
    case $value in
      :files) compopt -o default; return ;;
      :directories) compopt -o dirnames; return ;;
    esac
    value=${value#"$before"}
    printf -v quoted %q "$value"
    values+=("$quoted")
    descriptions+=("$value${description:+  ($description)}")
  done < <(fardelctl complete "${words[@]:1}" 2>/dev/null)

  # Only to be looked at: with what it means.
  if ((COMP_TYPE == 63 && ${#values[@]} > 1)); then
    COMPREPLY=("${descriptions[@]}")
  else
    COMPREPLY=("${values[@]}")
  fi
}

complete -F _fardelctl fardelctl

# Sourced by the scripts here.

# Whether a version is as new as another one: at_least 1.95.0-nightly 1.94
at_least() { # found wanted
    [ -n "$1" ] && [ "$(printf '%s\n%s\n' "$2" "${1%%[!0-9.]*}" | sort -V | head -n 1)" = "$2" ]
}

# The environment of mri-colorize and run-tests, which source this file: made once in .venv, after that
# a stamp is compared and nothing else. For bash on Debian or Ubuntu with Python 3.11 or later; `root`
# is the repository. Versions come from constraints.txt, packages from wherever pip is set up to look.

venv="$root/.venv"
log="$root/.set-up.log"

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# What the environment was made from; a moved folder or a changed file makes it anew.
stamp() { printf '%s\n' "$root" "$1"; cat "$root/pyproject.toml" "$root/constraints.txt"; }
is_ready() { [ -x "$venv/bin/python" ] && stamp "$1" | cmp -s - "$venv/stamp-$1"; }

# ensure_environment EXTRA NAME=PACKAGE...: MRIColorizeLib[EXTRA] in .venv, and what is missing of the
# system's libraries and programs, each with the package that brings it.
ensure_environment() {
    local extra=$1 started=$SECONDS
    shift
    if is_ready "$extra"; then return; fi
    say "Setting up (once) in $venv: several hundred megabytes, a few minutes."
    exec 9>"$root/.set-up.lock"
    if command -v flock >/dev/null; then flock 9; fi
    if ! is_ready "$extra"; then
        : >"$log"
        rm -f "$venv"/stamp-*
        install_libraries "$@"
        make_venv
        install_torch
        say "  packages"
        pip_install -c "$(constraints)" -e "$root[$extra]" || die "The packages could not be installed; see $log."
        stamp "$extra" >"$venv/stamp-$extra"
        # The tests' environment holds everything that the command line needs.
        if [ "$extra" = test ]; then stamp batch >"$venv/stamp-batch"; fi
    fi
    exec 9>&-
    say "Set-up took $((SECONDS - started)) s."
}

# --- the system ---------------------------------------------------------------------------------------

# apt_install PACKAGE...: installs them if this user may; true when that worked.
apt_install() {
    local become=()
    [ -z "${MRICOLORIZE_NO_APT:-}" ] || return 1
    command -v apt-get >/dev/null || return 1
    if [ "$(id -u)" != 0 ]; then
        sudo -n true 2>/dev/null || return 1
        become=(sudo -n)
    fi
    say "  system packages: $*"
    "${become[@]}" apt-get update -qq >>"$log" 2>&1
    "${become[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "$@" >>"$log" 2>&1
}

# Rendering and Qt load these from the system; without them the command line only skips its rendering.
install_libraries() {
    local pair known missing=()
    known=$(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null)
    for pair in "$@"; do
        case "$known" in *"${pair%%=*}"*) continue ;; esac
        command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
    done
    if [ ${#missing[@]} = 0 ]; then return; fi
    missing+=(libgl1-mesa-dri) # draws where there is no graphics card
    apt_install "${missing[@]}" ||
        say "Note: these system packages are missing, for 3D pictures or tests: sudo apt-get install -y ${missing[*]}"
}

# --- Python -------------------------------------------------------------------------------------------

# The first Python from 3.11 on; those that every package has wheels for come first.
find_python() {
    local name
    for name in python3.11 python3.12 python3.13 python3; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    return 1
}

make_venv() {
    local python need options=()
    if "$venv/bin/python" -m pip --version >/dev/null 2>&1; then return; fi
    if ! python=$(find_python); then
        apt_install python3 && python=$(find_python) ||
            die "Python 3.11 or later is needed: sudo apt-get install -y python3 (on older systems, python3.11)."
    fi
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        need="$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
        apt_install "$need" || die "Python's venv is missing: sudo apt-get install -y $need"
    fi
    # A torch that this Python has already, and that is not inside another environment, is accepted.
    if "$python" -c '
import importlib.metadata, sys
version = importlib.metadata.version("torch").split(".")
sys.exit(sys.prefix != sys.base_prefix or (int(version[0]), int(version[1])) < (2, 7))' 2>/dev/null; then
        options=(--system-site-packages)
    fi
    say "  environment: $("$python" --version)"
    "$python" -m venv --clear "${options[@]}" "$venv" >>"$log" 2>&1 ||
        die "The environment could not be made; see $log."
}

# Version of a torch that the environment sees but does not hold itself; fails when there is none.
system_torch() {
    "$venv/bin/python" -c '
import importlib.metadata, sys
torch = importlib.metadata.distribution("torch")
if str(torch.locate_file("")).startswith(sys.prefix): sys.exit(1)
print(torch.version)' 2>/dev/null
}

# The constraints, with the version of an accepted torch in place of ours.
constraints() {
    local version
    version=$(system_torch) || { echo "$root/constraints.txt"; return; }
    sed "s/^torch==.*/torch==$version/" "$root/constraints.txt" >"$venv/constraints.txt"
    echo "$venv/constraints.txt"
}

# Without an NVIDIA card the CPU build is taken where pip can find one: it is ten times smaller.
install_torch() {
    local version
    if version=$(system_torch); then
        say "  torch $version of the system"
        return
    fi
    version=$(sed -n 's/^torch==//p' "$root/constraints.txt")
    if ! nvidia-smi -L >/dev/null 2>&1; then
        say "  torch $version, CPU build"
        if pip_install -c "$root/constraints.txt" "torch==$version+cpu"; then return; fi
        say "  no CPU build in pip's sources; the usual build of torch follows with the packages"
    fi
}

# pip with its progress on one line of a terminal and everything in the log.
pip_install() {
    "$venv/bin/python" -m pip install --no-compile --disable-pip-version-check --progress-bar off "$@" 2>>"$log" |
        while IFS= read -r line; do
            printf '%s\n' "$line" >>"$log"
            if [ -t 2 ]; then printf '\r\033[K    %.72s' "${line#"${line%%[! ]*}"}" >&2; fi
        done
    local status=${PIPESTATUS[0]}
    if [ -t 2 ]; then printf '\r\033[K' >&2; fi
    return "$status"
}

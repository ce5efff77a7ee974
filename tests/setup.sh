# Sourced by the commands in this directory: packages, configuration, build. Everything is done again only as far as
# something is missing or has changed.

source_dir=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
build_dir=$source_dir/build
jobs=$(nproc)

say() { printf '== %s\n' "$*" >&2; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  else
    sudo "$@"
  fi
}

# missing_packages NAME...: those that are not installed.
missing_packages() {
  local name
  for name; do
    dpkg-query -W -f '${db:Status-Status}\n' "$name" 2>/dev/null | grep -qx installed || echo "$name"
  done
}

# install_packages NAME...: installs what is missing, or says what that is where we may not. The DNS servers among it
# are for the Lab alone, which starts its own copies: as services they stay off, now and after the next boot.
install_packages() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -eq 0 ] && return
  if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
    say "These packages are missing; install them as root: ${missing[*]}"
    return 1
  fi
  say "Installing ${#missing[@]} packages: ${missing[*]}"
  as_root bash -euc '
    export DEBIAN_FRONTEND=noninteractive
    options=(-q -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300)
    if [ ! -e /usr/sbin/policy-rc.d ]; then
      trap "rm -f /usr/sbin/policy-rc.d" EXIT
      trap "exit 1" HUP INT TERM
      printf "#!/bin/sh\nexit 101\n" >/usr/sbin/policy-rc.d
      chmod 0755 /usr/sbin/policy-rc.d
    fi
    apt-get "${options[@]}" update
    apt-get "${options[@]}" install -y --no-install-recommends "$@"
    for package; do
      case $package in
        bind9) service=named.service ;;
        nsd) service=nsd.service ;;
        *) continue ;;
      esac
      if command -v systemctl >/dev/null; then systemctl disable "$service"; fi
    done
  ' install_packages "${missing[@]}" </dev/null >&2
}

# install_listed FILE: the packages named in a list, one a line.
install_listed() {
  local names
  mapfile -t names < <(sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$1")
  install_packages "${names[@]}"
}

# configure [DIRECTORY [UNITY]]: makes or refreshes a build tree, with compile_commands.json in it. Without UNITY=OFF the
# sources are compiled in batches: who changes one after the other sets CERTHERD_UNITY=OFF.
configure() {
  cmake -S "$source_dir" -B "${1:-$build_dir}" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCERTHERD_WERROR=ON \
    -DCERTHERD_SANITIZE=ON "-DCERTHERD_UNITY=${2:-${CERTHERD_UNITY:-ON}}" \
    "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O2 -g1 -DNDEBUG" -DCMAKE_CXX_COMPILER_LAUNCHER=ccache >&2
}

# build [TARGET...]: everything, or these.
build() {
  configure
  cmake --build "$build_dir" --parallel "$jobs" ${1:+--target "$@"} >&2
}

# SPDX-License-Identifier: Apache-2.0
#
# Sourced by scripts/demo and scripts/test: finds what is missing and installs exactly that. What a machine has is
# asked of the machine (is the command there, does pkg-config find the library), not of a stamp file, so a removed
# package is noticed and a library installed in another way counts. Nothing missing costs a few milliseconds.

# package, then how to see that it is there: command NAME, library NAME VERSION, or file GLOB
setup_build_needs='
gcc                 command cc
libc6-dev           file    /usr/include/stdio.h
meson               command meson
ninja-build         command ninja
pkg-config          command pkg-config
libglib2.0-dev      library glib-2.0          2.74
libevent-dev        library libevent_core     2.1.12
libxxhash-dev       library libxxhash         0.8.1
libhiredis-dev      library hiredis           0.14.1
librdkafka-dev      library rdkafka           2.0.2
'
setup_test_needs='
g++                 command c++
clang               command clang
libclang-rt-14-dev  file    /usr/lib/llvm-14/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a
clang-format-14     command clang-format-14
universal-ctags     command ctags
binutils            command objdump
libjson-glib-dev    library json-glib-1.0     1.6
libjemalloc-dev     library jemalloc          5.0
libsqlite3-dev      library sqlite3           3.35
libcurl4-openssl-dev library libcurl          7.68
python3             command python3
git                 command git
netcat-openbsd      command nc
util-linux          command setarch
redis-server        command redis-server
'
# WEIR_ALLOCATOR=jemalloc: what weir's own programs are linked with.
[ "${WEIR_ALLOCATOR:-system}" = system ] || setup_build_needs+='libjemalloc-dev     library jemalloc          5.0
'
# The real parts that tests run against.
setup_server_needs='
default-jre-headless command java
maven               command mvn
redis-server        command redis-server
openssl             command openssl
faketime            command faketime
libfaketime         file    /usr/lib/*/faketime/libfaketime.so.1
'

# setup_missing NEEDS: the packages of the table whose thing is not there, on one line.
setup_missing ()
{
  local package kind name version libraries='' packages=''
  while read -r package kind name version; do
    case $kind in
      command) command -v "$name" > /dev/null || packages+=" $package" ;;
      file)    compgen -G "$name" > /dev/null || packages+=" $package" ;;
      library) libraries+=" $name >= $version" ;;
    esac
  done <<< "$1"
  # One call for all libraries is the usual case; only when it fails is each asked alone.
  # shellcheck disable=SC2086
  if [ -n "$libraries" ] && ! pkg-config --exists $libraries 2> /dev/null; then
    while read -r package kind name version; do
      [ "$kind" = library ] || continue
      pkg-config --exists "$name >= $version" 2> /dev/null || packages+=" $package"
    done <<< "$1"
  fi
  echo ${packages}
}

# setup_cannot PACKAGES WHY: one line that says what is missing and how to get it.
setup_cannot ()
{
  echo "weir: missing: $1; $2; as root: apt-get install -y --no-install-recommends $1" >&2
  return 1
}

# setup_install NEEDS: returns 0 when everything is there, having installed it if need be.
setup_install ()
{
  local missing as_root=() log
  missing=$(setup_missing "$1")
  [ -z "$missing" ] && return 0
  command -v apt-get > /dev/null || { setup_cannot "$missing" 'there is no apt-get here to install it'; return 1; }
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo > /dev/null || { setup_cannot "$missing" 'not root, and there is no sudo'; return 1; }
    as_root=(sudo)
  fi
  echo "weir: installing $missing" >&2
  log=$(mktemp)
  # shellcheck disable=SC2086
  if ! { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q \
         && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing; } \
       > "$log" 2>&1 < /dev/null; then
    setup_cannot "$missing" "apt-get says: $(grep -m1 '^E:' "$log" || tail -n 1 "$log")"
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
  missing=$(setup_missing "$1")
  [ -z "$missing" ] || setup_cannot "$missing" 'apt-get installed it, yet it is not found (an old release?)'
}

# setup_allocator BUILD_DIR: makes WEIR_ALLOCATOR the allocator of a tree that is configured.
setup_allocator ()
{
  local wanted=${WEIR_ALLOCATOR:-system} noted=$1/allocator
  [ "$(cat "$noted" 2> /dev/null || echo system)" = "$wanted" ] && return 0
  meson setup --reconfigure "$1" "-Dallocator=$wanted" >> "$1.setup.log" 2>&1 < /dev/null && echo "$wanted" > "$noted"
}

# setup_tree BUILD_DIR OPTION...: configures BUILD_DIR once; later calls cost nothing, ninja sees changes by itself.
setup_tree ()
{
  local dir=$1 log=$1.setup.log
  shift
  mkdir -p "$(dirname "$dir")"
  if [ ! -e "$dir/build.ninja" ] && ! meson setup "$dir" "$setup_root" "$@" > "$log" 2>&1 < /dev/null; then
    setup_failed "$dir"
    rm -rf "$dir"
    return 1
  fi
  setup_allocator "$dir" || setup_failed "$dir"
}

setup_failed ()
{
  echo "weir: meson setup of $1 did not work; its last lines (all of them are in $1.setup.log):" >&2
  tail -n 15 "$1.setup.log" >&2
  return 1
}

setup_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

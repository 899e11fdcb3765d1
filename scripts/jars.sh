# shellcheck shell=bash
# Fetches pinned jars from Maven Central. Sourced; the script that does has a function die.

# Jars that are complete name the checksums that they were checked against, so that a new pin is fetched.
jars_marker() { sha256sum <"$1"; }

# has_jars FOLDER CHECKSUMS: whether FOLDER/lib holds the jars of the file of checksums.
has_jars() { [[ -f $1/complete && $(<"$1/complete") == "$(jars_marker "$2")" ]]; }

# fetch_jars FOLDER POM CHECKSUMS LABEL: puts the runtime dependencies of POM into FOLDER/lib; LABEL is their name for people.
fetch_jars() {
    local into=$1 pom=$2 checksums=$3 label=$4 around log
    has_jars "$into" "$checksums" && return
    command -v mvn >/dev/null || die "mvn not found: run scripts/setup (Debian package: maven)"
    around=$(dirname "$into")
    log=$around/fetch.log
    mkdir -p "$around"
    # One fetch at a time; who waited finds the work done.
    exec 9>"$around/lock"
    flock 9
    has_jars "$into" "$checksums" && return
    printf 'fetching %s ...\n' "$label" >&2
    local new=$into.new
    rm -rf "$new"
    mkdir -p "$new/lib"
    mvn -q -B -Dstyle.color=never -f "$pom" dependency:copy-dependencies \
        -DoutputDirectory="$new/lib" -DincludeScope=runtime >"$log" 2>&1 \
        || die "maven could not fetch the jars: $(tail -n 20 "$log")"
    verify_jars "$new/lib" "$checksums"
    # Last, so that a half fetch is redone.
    jars_marker "$checksums" >"$new/complete"
    rm -rf "$into"
    mv "$new" "$into"
    exec 9>&-
}

# verify_jars FOLDER CHECKSUMS: every pinned jar is there unchanged, and no other jar is.
verify_jars() {
    (cd "$1" && sha256sum --check --quiet --strict "$2") >&2 || die "the jars fetched differ from $2"
    local extra
    extra=$(comm -23 <(cd "$1" && printf '%s\n' *.jar | LC_ALL=C sort) <(awk '{print $2}' "$2" | LC_ALL=C sort))
    [[ -z $extra ]] || die "jars without a line in $2: ${extra//$'\n'/ }"
}

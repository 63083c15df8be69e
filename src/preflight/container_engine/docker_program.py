"""A program `docker` for which the ECR of the emulated account is the registry on loopback.

Its host name, ACCOUNT.dkr.ecr.REGION.amazonaws.com, would lead the engine to AWS, and podman remaps pulls only:
https://github.com/containers/image/blob/main/docs/containers-registries.conf.5.md. What a client names by that
host is tagged for loopback, pushed or pulled there, and untagged. Everything else is the engine's own.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from preflight.container_engine.engine import Engine
from preflight.system import processes

_REWRITE = """
command=$1
case $command in login|logout|push|pull) ;; *) exec "$engine" "$@" ;; esac
shift
named=
for word do
  shift
  case $word in
    "$account".dkr.ecr.*.amazonaws.com/* | "$account".dkr.ecr.*.amazonaws.com.cn/*)
      named=$word; word=$registry/${word#*/}; local=$word ;;
    "$registry"/*) named=$registry ;;
    "$registry" | http://"$registry" | "$account".dkr.ecr.* | https://"$account".dkr.ecr.*)
      named=$registry; word=$registry ;;
  esac
  set -- "$@" "$word"
done
[ -n "$named" ] || exec "$engine" "$command" "$@"
export REGISTRY_AUTH_FILE="$credentials"
case $command in
  logout) exec "$engine" logout "$@" ;;
  login) exec "$engine" login $insecure "$@" ;;
esac
[ "$named" != "$registry" ] || exec "$engine" "$command" $insecure "$@"
if [ "$command" = push ]; then
  "$engine" tag "$named" "$local" || exit
  "$engine" push $insecure "$@"
else
  "$engine" pull $insecure "$@" && "$engine" tag "$local" "$named"
fi
code=$?
"$engine" rmi "$local" >/dev/null 2>&1
exit $code
"""


def write(engine: Engine, folder: Path, *, registry: str, account: str) -> Path:
    """Writes the program for the registry of an account into a folder, and returns its path."""
    path = folder / "bin" / "docker"
    path.parent.mkdir()
    values = {
        **engine.env,
        "engine": processes.which(engine.program) or engine.program,
        "registry": registry,
        "account": account,
        "insecure": " ".join(engine.insecure),
        "credentials": str(folder / "auth.json"),
    }
    settings = "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())
    exports = "".join(f"export {name}\n" for name in engine.env)
    path.write_text(f"#!/bin/sh\n{settings}{exports}{_REWRITE}", encoding="utf-8")
    path.chmod(0o700)
    return path

"""Tool: BTF for kernels without their own. Adds env.Runtime(), env.ExternalBtf(), env.BtfReport().

btfhub/runtime                   -> libdroidbpf.a, by which programs choose a BTF
a kernel's BTF, an app's objects -> btf/<kernel>.btf, minimized, and btf/<kernel>.json, its faults
all of these                     -> <app>.btfs.c, the BTFs as they are embedded
an app's objects                 -> <app>.report.html, its relocations on each kernel
"""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

from SCons.Script import Action

import state
import workspace
from base.errors import DroidbpfError
from selection import as_node
from site_tools.source_archive import own_files, settings, settled
from steps import user_errors

RUNTIME = "btfhub/runtime"
# It runs once, at the start: few bytes count for more than speed.
SMALL = ("-Os", "-g", "-Wall", "-Wextra", "-fno-asynchronous-unwind-tables", "-fno-unwind-tables")
LOCK = Path("btfhub/btfhub.lock")
UNPACKED = Path("build/btfhub")
_pulling = threading.Lock()
_pulled = {}  # kernel's name -> archive, or the error that it is not to be had


def exists(env):
    return True


def generate(env):
    env.SetDefault(KERNELS=[], BTFHUB_ID="")
    env["MINBTF"] = Action(
        user_errors(_minimize), "  MINBTF   $TARGET", varlist=["BPFTOOL_ID", "BTFHUB_ID"]
    )
    env["BTFS"] = Action(user_errors(_embed), "  BTFS     $TARGET", varlist=["BTFHUB_ID"])
    env["REPORT"] = Action(
        user_errors(_report), "  REPORT   $TARGET", varlist=["BPFTOOL_ID", "BTFHUB_ID"]
    )
    env.AddMethod(choose_kernels, "ChooseKernels")
    env.AddMethod(runtime, "Runtime")
    env.AddMethod(external_btf, "ExternalBtf")
    env.AddMethod(btf_report, "BtfReport")


def runtime(env):
    """Give the node of libdroidbpf.a; its header goes on the include path of the apps."""
    output = f"{env['VARIANT']}/btfhub"
    env["CPPPATH"] = [*env["CPPPATH"], f"#{RUNTIME}"]
    own = env.Clone()
    own.Append(CCFLAGS=SMALL, CFLAGS=["-std=gnu11"])
    files = own_files(Path(RUNTIME))

    def make():
        objects = [
            own.TargetObject(f"#{output}/{file.stem}.o", f"#{file}")
            for file in files
            if file.suffix == ".c" and not file.name.endswith(".bpf.c")
        ]
        library = own.TargetLibrary(f"#{output}/libdroidbpf.a", objects)
        env.Clean(library, f"#{UNPACKED}")
        return library

    used = env["THIRD_PARTY"].keys.values()
    key = state.key(files, *settings(own), *used)
    return settled(env, f"{output}/libdroidbpf.state", key, f"{output}/libdroidbpf.a", make)


def choose_kernels(env, selectors):
    """Set $KERNELS: what kernels= names, or for a report without it, all of the hub.

    Nothing is read or downloaded for it but the lock and the listing of a folder.
    """
    if not selectors:
        return
    from base.progress import show_progress
    from btfhub import kernels, lock

    names = [name for name in selectors.split(",") if name]
    if not names:
        raise DroidbpfError(f"kernels={selectors} names no kernel", "kernels=all, or names of it")
    if env["ARCH"] != kernels.ARCH:
        hint = "the hubs have BTFs of phones; a host's kernel has its own"
        raise DroidbpfError(f"kernels= is for ARCH={kernels.ARCH}, not {env['ARCH']}", hint)
    output = f"#{env['VARIANT']}/btfhub"
    compiled = env.BpfTmpObject(f"{output}/probe.tmp.bpf.o", f"#{RUNTIME}/probe.bpf.c")
    env["PROBE"] = env.BpfObject(f"{output}/probe.bpf.o", compiled)
    env["HUB_LOCK"] = lock.load(LOCK)
    with show_progress(_settings(env)) as settings:
        env["KERNELS"] = kernels.choose(names, env["btfhub"], env["HUB_LOCK"], settings)
    env["BTFHUB_ID"] = state.key(
        Path(entry.path)
        for entry in sorted(os.scandir("btfhub"), key=lambda entry: entry.name)
        if entry.is_file() and entry.name != LOCK.name
    )


def external_btf(env, name, objects):
    """Give the nodes of the object that holds an app's BTFs: none where kernels= names none."""
    if not env["KERNELS"]:
        return []
    minimized = [_minimized(env, kernel, objects) for kernel in env["KERNELS"]]
    names = env.Value([kernel.name.name for kernel in env["KERNELS"]])
    source = env.Command(
        f"#{env['OUTPUT']}/{name}.btfs.c", [*minimized, names], env["BTFS"], APP=name
    )
    return env.TargetObject(f"#{env['OUTPUT']}/{name}.btfs.o", source)


def _minimized(env, kernel, objects):
    stem = f"#{env['OUTPUT']}/btf/{kernel.name.name}".replace("$", "$$")
    minimized = env.Command(
        [f"{stem}.btf", f"{stem}.json"],
        [*env["PROBE"], *objects, _identity(env, kernel)],
        env["MINBTF"],
        KERNEL=kernel,
    )
    env.Depends(minimized, env["BPFTOOL_BUILT"])
    return minimized


def _identity(env, kernel):
    """Give the node that changes when a kernel's BTF does."""
    return env.Value(kernel.file.btf_sha256) if kernel.file else env.File(as_node(str(kernel.path)))


def btf_report(env, name, objects):
    """Give the target `report` one more page: the relocations of an app on each kernel."""
    if not env["KERNELS"]:
        return
    page = env.Command(
        f"#{env['OUTPUT']}/{name}.report.html",
        [*objects, *(_identity(env, kernel) for kernel in env["KERNELS"])],
        env["REPORT"],
        APP=name,
        OBJECTS=objects,
    )
    env.Depends(page, env["BPFTOOL_BUILT"])
    env.Alias("report", page)


def _packed(env, kernel):
    """Give the archive of a kernel, None if it is unpacked; pull all that are missing at once."""
    from base.progress import show_progress
    from btfhub import kernels as hub

    name = kernel.name.name
    with _pulling:
        if name not in _pulled and not hub.is_unpacked(kernel, UNPACKED):
            missing = [k for k in env["KERNELS"] if k.file and not hub.is_unpacked(k, UNPACKED)]
            try:
                with show_progress(_settings(env)) as settings:
                    _pulled.update(hub.obtain(missing, env["btfhub"], env["HUB_LOCK"], settings))
            except DroidbpfError as error:  # the others do not try it all again
                _pulled.update({k.name.name: error for k in missing})
    found = _pulled.get(name)
    if isinstance(found, DroidbpfError):
        raise found
    return found and str(found)


def _settings(env):
    """Give what fetch is to heed: mirror= is of source archives."""
    return env["FETCH_SETTINGS"]()._replace(mirror="")


def _minimize(target, source, env):
    from btfhub import objects

    kernel = env["KERNEL"]
    probe, *own = [str(node) for node in source[:-1]]
    answer = {"btf": ""}
    if any(objects.count(Path(path)) for path in own):
        answer = _ask(
            {
                "kernel": kernel.selector,
                "packed": _packed(env, kernel),
                "unpacked": str(UNPACKED),
                "probe": probe,
                "objects": own,
                "bpftool": str(env["BPFTOOL"]),
                "lock": str(LOCK),
            }
        )
    _write(target[0], bytes.fromhex(answer.pop("btf")))
    _write(target[1], json.dumps(answer, indent=1).encode())


def _ask(request):
    """Let a process of its own do a step: checking a BTF keeps a processor busy."""
    done = _python(["-m", "btfhub.step"], json.dumps(request))
    if done.returncode:
        raise DroidbpfError(f"btfhub.step ended with {done.returncode}: {done.stderr.strip()}")
    answer = json.loads(done.stdout)
    if "error" in answer:
        raise DroidbpfError(answer["error"], answer["hint"])
    return answer


def _python(arguments, given=""):
    """Run Python; its compiled modules, too, belong into build/."""
    env = os.environ | {"PYTHONPYCACHEPREFIX": sys.pycache_prefix}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    return subprocess.run(
        [sys.executable, *arguments],
        input=given,
        capture_output=True,
        text=True,
        env=env,
        pass_fds=workspace.held(),
    )


def _embed(target, source, env):
    from btfhub import embed, match

    entries, faults = [], {}
    for kernel, minimized, told in zip(env["KERNELS"], source[:-1:2], source[1:-1:2], strict=True):
        name = kernel.name.name
        faults[name] = _faults(Path(str(told)))
        careful = bool(faults[name].get("unreliable"))
        entries.append(
            embed.Entry(match.key(kernel.name), Path(str(minimized)).read_bytes(), careful)
        )
    if not any(entry.btf for entry in entries):
        if not env["SHORT"]:
            print(f"{env['APP']} has no CO-RE relocations: no BTF is embedded")
        _write(target[0], b"/* The app has no CO-RE relocations: it needs no BTF. */\n")
        return
    _warn(env["APP"], faults)
    _write(target[0], embed.c_source(embed.pack(entries)).encode())


def _faults(path):
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise DroidbpfError(f"{path} is damaged", "remove it: it is made again") from error


def _warn(app, faults):
    """Tell of what will not be right at run time, each once for all kernels that share it."""
    for kind, what in (
        ("unreliable", "is perhaps not where the BTF says; the app then refuses to run"),
        ("missing", "is not in the kernel; the app does not load there"),
    ):
        kernels = {}
        for name, told in faults.items():
            for field in told.get(kind, ()):
                kernels.setdefault(field, []).append(name)
        for field, names in kernels.items():
            listed = f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else names[0]
            print(f"warning: {app} on {listed}: {field} {what}", file=sys.stderr)


def _report(target, source, env):
    command = ["-m", "btfhub", "report", "--html", f"{target[0]}.tmp"]
    command += ["--bpftool", str(env["BPFTOOL"]), "--unpacked", str(UNPACKED)]
    command += [f"--object={node}" for node in env["OBJECTS"]]
    command += ["--hub", env["btfhub"]] if env["btfhub"] else []
    command += ["--offline"] if env["offline"] == "1" else []
    command += [kernel.selector for kernel in env["KERNELS"]]
    done = _python(command)
    if done.returncode:
        raise DroidbpfError(done.stderr.strip().removeprefix("error: "))
    print(done.stdout + done.stderr, end="")
    os.replace(f"{target[0]}.tmp", str(target[0]))


def _write(node, content):
    part = Path(f"{node}.tmp")
    part.write_bytes(content)
    part.replace(str(node))

"""Tool: BTF for kernels without their own. Adds env.Runtime(), env.ExternalBtf(), env.BtfReport().

btfhub/runtime                   -> libdroidbpf.a, by which programs choose a BTF
a hub's archives                 -> build/btfhub/<kernel>.btf, unpacked, by one step
a kernel's BTF, an app's objects -> btf/<kernel>.btf, minimized, and btf/<kernel>.json, its faults
all of these                     -> <app>.btfs.c, the BTFs as they are embedded
an app's objects                 -> <app>.report.html, its relocations on each kernel

The steps are commands of `./dev btfhub`.
"""

import os
from pathlib import Path

import state
from base.errors import DroidbpfError
from libraries import own_files, own_library
from names import file_node, literal

OPTIONS = (
    ("kernels", "BTFs to embed: hub names, branches, all, paths of .btf files", "", ()),
    ("btfhub", "a hub of BTFs: URL or folder", "", ()),
)
RUNTIME = "btfhub/runtime"
LOCK = Path("btfhub/btfhub.lock")
UNPACKED = "build/btfhub"

# The modules of the commands, and the tables that they read. The pins are values of the steps.
MODULES = ("base/*.py", "btfhub/*.py", "btfhub/cli/*.py", "btfhub/*.toml", "btfhub/*.json")
TEMPLATE = Path("btfhub/report.html.j2")


def generate(env):
    env.SetDefault(KERNELS=[])
    command = "$PYTHON -m btfhub"
    env["PULL"] = env.Step(
        "PULL",
        f"{command} pull --unpack {UNPACKED} --sums ${{TARGET}}.tmp $( $HUB $) $SELECTORS",
    )
    env["MINBTF"] = env.Step(
        "MINBTF",
        f"{command} minimize --probe $PROBE $OBJECTS $( --bpftool $BPFTOOL $)"
        " --out-btf ${TARGET}.tmp --out-faults ${TARGETS[1]} $PIN $( $BTF $)",
        identity="BPFTOOL_ID BTFHUB_ID",
    )
    env["BTFS"] = env.Step(
        "BTFS",
        f"{command} embed --app $APP --out ${{TARGET}}.tmp $MINIMIZED",
        identity="BTFHUB_ID",
    )
    env["REPORT"] = env.Step(
        "REPORT",
        f"{command} report --html ${{TARGET}}.tmp --unpacked {UNPACKED} $OBJECTS"
        " $( --bpftool $BPFTOOL $HUB $) $SELECTORS",
        identity="BPFTOOL_ID BTFHUB_ID TEMPLATE_ID",
    )
    env.AddMethod(choose_kernels, "ChooseKernels")
    env.AddMethod(runtime, "Runtime")
    env.AddMethod(external_btf, "ExternalBtf")
    env.AddMethod(btf_report, "BtfReport")


def runtime(env):
    """Return the node of libdroidbpf.a; its header goes on the include path of the apps."""
    env["CPPPATH"] = [*env["CPPPATH"], f"#{RUNTIME}"]
    files = [file for file in own_files(Path(RUNTIME)) if not file.name.endswith(".bpf.c")]
    uses = env["THIRD_PARTY"].keys.values()
    library, _ = own_library(env, f"{env['VARIANT']}/btfhub/libdroidbpf", files, uses)
    env.Clean(library, f"#{UNPACKED}")
    return library


def choose_kernels(env, selectors):
    """Set $KERNELS: those that kernels= names, or for a report without it, all of the hub.

    Only the lock and the listing of a folder are read for it.
    """
    if not selectors:
        return
    from base.progress import show_progress
    from btfhub import kernels, lock
    from btfhub.hub import Hub

    names = [name for name in selectors.split(",") if name]
    if not names:
        raise DroidbpfError(f"kernels={selectors} names no kernel", "kernels=all, or names of it")
    if env["ARCH"] != kernels.ARCH:
        hint = "the hubs have BTFs of phones; a host's kernel has its own"
        raise DroidbpfError(f"kernels= is for ARCH={kernels.ARCH}, not {env['ARCH']}", hint)
    output = f"#{env['VARIANT']}/btfhub"
    compiled = env.BpfTmpObject(f"{output}/probe.tmp.bpf.o", f"#{RUNTIME}/probe.bpf.c")
    env["PROBE"] = env.BpfObject(f"{output}/probe.bpf.o", compiled)
    # mirror= is for source archives
    with show_progress(env["FETCH_SETTINGS"]()._replace(mirror="")) as shown:
        env["KERNELS"] = kernels.choose(names, Hub(env["btfhub"], lock.load(LOCK), shown))
    modules = [file for pattern in MODULES for file in Path().glob(pattern)]
    env["BTFHUB_ID"], env["TEMPLATE_ID"] = state.key(modules), state.key([TEMPLATE])
    env["HUB"] = [*(["--hub", env["btfhub"]] if env["btfhub"] else [])]
    env["HUB"] += ["--offline"] if env["offline"] == "1" else []
    env["HUB"] = literal(env["HUB"])
    _pull(env)


def _pull(env):
    """Declare the step that downloads and unpacks what is missing of the hub's kernels."""
    wanted = [kernel for kernel in env["KERNELS"] if kernel.file]
    if not wanted:
        return
    unpacked = [f"#{_unpacked(kernel)}" for kernel in wanted]
    pulled = env.Command(
        [f"#{UNPACKED}/kernels.sha256", *unpacked],
        env.Value([kernel.file.btf_sha256 for kernel in wanted]),
        env["PULL"],
        SELECTORS=[kernel.selector for kernel in wanted],
        ENV={**os.environ, **env["ENV"]},  # the cache, a proxy
    )
    env.Precious(pulled)  # what is there with the right hash stays


def _unpacked(kernel):
    from btfhub import kernels

    return f"{UNPACKED}/{kernels.file_name(kernel)}"


def external_btf(env, name, objects):
    """Return the nodes of the object that holds an app's BTFs: none where kernels= names none."""
    if not env["KERNELS"]:
        return []
    minimized = [_minimized(env, kernel, objects) for kernel in env["KERNELS"]]
    source = env.Command(
        f"#{env['OUTPUT']}/{name}.btfs.c",
        minimized,
        env["BTFS"],
        APP=name,
        MINIMIZED=literal([str(btf) for btf, _ in minimized]),
    )
    return env.TargetObject(f"#{env['OUTPUT']}/{name}.btfs.o", source)


def _minimized(env, kernel, objects):
    stem = f"{env['OUTPUT']}/btf/{kernel.name.name}"
    minimized = env.Command(
        [file_node(env, f"{stem}.btf"), file_node(env, f"{stem}.json")],
        [*env["PROBE"], *objects, _identity(env, kernel)],
        env["MINBTF"],
        OBJECTS=_options(objects),
        PIN=["--sha256", kernel.file.btf_sha256] if kernel.file else [],
        BTF=literal([_unpacked(kernel) if kernel.file else str(kernel.path)]),
    )
    env.Depends(minimized, env["BPFTOOL_BUILT"])
    _after_pull(env, minimized, [kernel])
    return minimized


def _options(objects):
    return literal([f"--object={node}" for node in objects])


def _identity(env, kernel):
    """Return the node that changes when a kernel's BTF does."""
    return env.Value(kernel.file.btf_sha256) if kernel.file else file_node(env, str(kernel.path))


def _after_pull(env, target, kernels):
    """Make a step wait for the BTFs of kernels; they are too large to be hashed at each start."""
    env.Requires(target, [f"#{_unpacked(kernel)}" for kernel in kernels if kernel.file])


def btf_report(env, name, objects):
    """Add to the target `report` a page: the relocations of an app on each kernel."""
    if not env["KERNELS"]:
        return
    page = env.Command(
        f"#{env['OUTPUT']}/{name}.report.html",
        [*objects, *(_identity(env, kernel) for kernel in env["KERNELS"])],
        env["REPORT"],
        OBJECTS=_options(objects),
        SELECTORS=literal([kernel.selector for kernel in env["KERNELS"]]),
        ENV={**os.environ, **env["ENV"]},
    )
    env.Depends(page, env["BPFTOOL_BUILT"])
    _after_pull(env, page, env["KERNELS"])
    env.Alias("report", page)

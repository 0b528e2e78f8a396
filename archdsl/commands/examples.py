"""The examples under each `--help`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

EXAMPLES: Mapping[str, Sequence[str]] = {
    "build": ("archdsl build peleenet", "archdsl build mobilenet_v2 --variant 0.50-224 --out here"),
    "check": (
        "archdsl check my.yaml --deep",
        "archdsl check my.yaml --update",
        "archdsl check specs --format github",
        "archdsl check - < my.yaml",
    ),
    "cost": ("archdsl cost peleenet --set growth=16 --input 3,304,304", "archdsl cost mobilenet_v3 --format latex"),
    "diff": (
        "archdsl diff efficientnet@b6 @b7",
        "archdsl diff peleenet --set growth=24",
        "archdsl diff my.yaml",
        "archdsl diff my.yaml --rev main..HEAD",
    ),
    "draw": (
        "archdsl draw peleenet -o peleenet.pdf --width 7in",
        "archdsl draw shufflenet_v2 --block BasicUnit -o unit.svg",
        "archdsl draw unet --arrange resolution -o unet.pdf",
        "archdsl draw squeezenet@1.1 mobilenet_v2 peleenet --width page -o networks.pdf",
        "archdsl draw efficientnet --variant b7 -o efficientnet_b7.html",
    ),
    "emit": (
        "archdsl emit peleenet -o peleenet.py",
        "archdsl emit mobilenet_v2 --style parametric",
        "archdsl emit squeezenet --target onnx --weights squeezenet.safetensors -o squeezenet.onnx",
    ),
    "export": (
        "archdsl export mobilenet_v2 --to onnx --form deploy -o mobilenet_v2.onnx",
        "archdsl export peleenet --to pt2 --weights peleenet.safetensors",
    ),
    "fmt": ("archdsl fmt my.yaml", "archdsl fmt specs --check", "archdsl fmt - --diff < my.yaml"),
    "lint": ("archdsl lint my.yaml", "archdsl lint specs --format github", "archdsl lint --list"),
    "list": ("archdsl list --variants",),
    "new": ("archdsl new my.yaml --from peleenet", "archdsl new my.yaml --from peleenet --copy"),
    "ops": ("archdsl ops conv",),
    "passes": ("archdsl passes",),
    "plot": (
        "archdsl plot accuracy mobilenet_v2 mobilenet_v3 ghostnet --variants --width page -o accuracy.pdf",
        "archdsl plot accuracy mobilenet_v2 --times times.json -o latency.tex",
        "archdsl plot stages peleenet -o stages.svg",
    ),
    "port": (
        "archdsl port torchvision:squeezenet1_1 squeezenet --variant 1.1 --input 3,64,64 -o squeezenet.pth",
        "archdsl port old.pth --between old.yaml new.yaml -o new.safetensors",
    ),
    "schema": (
        "archdsl schema -o archdsl.schema.json",
        "archdsl schema --install project --files 'specs/*.yaml'",
    ),
    "show": ("archdsl show my.yaml --origin", "archdsl show peleenet --set dense.stage3.layers=12 -o my.yaml"),
    "sweep": (
        "archdsl sweep peleenet --set growth=16,24,32 --set num_classes=10,100 -o pelee.csv",
        "archdsl sweep mobilenet_v2 --set width=0.5:1.5:0.25 --input 3,192,192 --input 3,224,224",
        "archdsl sweep squeezenet --variant 1.0 --variant 1.1 --latency latency.json",
    ),
    "table": ("archdsl table squeezenet mobilenet_v2@1.00-224 --sort macs", "archdsl table mobilenet_v2 --format md"),
    "time": (
        "archdsl time mobilenet_v2 shufflenet_v2 --form train,deploy",
        "archdsl time peleenet --engine eager,onnxruntime --threads 1 --stages",
        "archdsl time squeezenet@1.1 --threads 1 --per-op latency.json",
    ),
    "watch": ("archdsl watch my.yaml", "archdsl watch my.yaml --variant wide --port 8000 --no-browser"),
}


def epilog(command: str) -> str | None:
    """What stands under the options of a command."""
    # The mark in front keeps click from filling the lines.
    lines = EXAMPLES.get(command)
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines) if lines else None

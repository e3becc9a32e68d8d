#!/bin/sh
# Builds @tensorflow/tfjs-node where the bench looks for it. Its own script fetches TensorFlow's library and a binding to it
# from a server that not every network lets through; this one takes the library from TensorFlow's wheel, by pip, and compiles
# the binding's two files. Needs x64 Linux, npm, pip, unzip, g++ and Node's headers (in $NODE_INCLUDE, or beside `node`).
set -eu
version=4.22.0   # tfjs, as in peers/sides.ts
tensorflow=2.21.0
folder="${XDG_CACHE_HOME:-$HOME/.cache}/ostinato/bench/@tensorflow+tfjs-node@$version"
headers="${NODE_INCLUDE:-$(dirname "$(command -v node)")/../include/node}"
test -e "$headers/node_api.h" || { echo "no node_api.h in $headers: set NODE_INCLUDE" >&2; exit 1; }
test ! -e "$folder" || { echo "$folder is there: remove it first" >&2; exit 1; }

mkdir -p "$(dirname "$folder")"
draft=$(mktemp -d "$(dirname "$folder")/.tfjs-node-XXXXXX")
trap 'rm -rf "$draft"' EXIT
cd "$draft"
echo '{ "private": true }' > package.json
npm install --no-audit --no-fund --loglevel=error --ignore-scripts "@tensorflow/tfjs-node@$version"
pip download --quiet --no-deps --only-binary=:all: --python-version 3.11 --dest wheel "tensorflow-cpu==$tensorflow"

package="$draft/node_modules/@tensorflow/tfjs-node"
mkdir -p "$package/deps/lib" "$package/lib/napi-v8"
unzip -q wheel/*.whl 'tensorflow/include/*' 'tensorflow/libtensorflow_*.so.2' -d wheel
mv wheel/tensorflow/libtensorflow_*.so.2 "$package/deps/lib"
g++ -std=c++17 -O2 -w -fPIC -shared -DNAPI_VERSION=8 \
  -I"$headers" -Iwheel/tensorflow/include -I"$package/.." \
  "$package/binding/tfjs_backend.cc" "$package/binding/tfjs_binding.cc" \
  -L"$package/deps/lib" -l:libtensorflow_cc.so.2 -l:libtensorflow_framework.so.2 \
  '-Wl,-rpath,$ORIGIN/../../deps/lib' -o "$package/lib/napi-v8/tfjs_binding.node"
rm -r wheel
mv "$draft" "$folder"
trap - EXIT

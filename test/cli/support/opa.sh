#!/bin/sh
# An OPA that says its version, for commands that end before they ask it.
echo "Version: 1.22.2"
echo "Rego Version: v1"

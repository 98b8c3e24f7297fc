#!/bin/sh
# A fake OPA that only prints its version, for commands that end before they evaluate anything.
echo "Version: 1.22.2"
echo "Rego Version: v1"

@echo off
rem Pulumi starts this file as the provider trustee on Windows.
if exist "%~dp0..\node_modules\node\bin\node.exe" (
  "%~dp0..\node_modules\node\bin\node.exe" "%~dp0main.ts" %*
) else (
  node "%~dp0main.ts" %*
)

@echo off
rem Pulumi starts this file as the provider trustee on Windows. Unlike its POSIX twin it does not check
rem the version of Node: it needs 22.18 or newer.
set "main=%~dp0main.ts"
if not exist "%main%" set "main=%~dp0main.js"
if not defined NODE_COMPILE_CACHE set "NODE_COMPILE_CACHE=%~dp0..\node_modules\.cache\trustee-access"
if exist "%~dp0..\node_modules\node\bin\node.exe" (
  "%~dp0..\node_modules\node\bin\node.exe" "%main%" %*
) else (
  node "%main%" %*
)

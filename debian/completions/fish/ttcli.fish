# fish completion: ttcli itself says what may follow; files where it has nothing to say.
complete --command ttcli --no-files \
    --arguments '(_TTCLI_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args _TYPER_COMPLETE_ARGS=(commandline -cp) ttcli)' \
    --condition '_TTCLI_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=is-args _TYPER_COMPLETE_ARGS=(commandline -cp) ttcli'

# The public symbols of a symbol graph that have no comment, by file and line.
(reduce .relationships[] as $relation ({}; if $relation.sourceOrigin then .[$relation.source] = true else . end)) as $inherited
| .symbols[]
| select(.docComment == null and ($inherited[.identifier.precise] | not))
| (.location.uri // "?" | sub("^.*/Sources/"; "Sources/")) + ":" + ((.location.position.line // -1) + 1 | tostring)
    + ": " + (.pathComponents | join("."))

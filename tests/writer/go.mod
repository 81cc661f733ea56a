module writer

go 1.22

require gopkg.in/natefinch/lumberjack.v2 v2.2.1

# The peer: R surveillance doing the same work. Usage: Rscript peer.R COUNTS.csv OUT.csv
# COUNTS.csv: series, kind ("daily" or "weekly"), years_back, evaluate (how many of the last steps), then the counts in one cell, by spaces.
# OUT.csv: series, method, t, upperbound, alarm. Prints "method seconds fits" (CPU time without start-up).
suppressMessages(library(surveillance))
args <- commandArgs(trailingOnly = TRUE)
d <- read.csv(args[1], stringsAsFactors = FALSE)
rows <- list(); spent <- c(farringtonFlexible = 0, earsC2 = 0); fits <- spent
for (i in seq_len(nrow(d))) {
  y <- as.numeric(strsplit(d$counts[i], " ")[[1]]); n <- length(y)
  range <- (n - d$evaluate[i] + 1):n
  if (d$kind[i] == "weekly") {
    S <- sts(observed = y, start = c(2000, 1), frequency = 52)
    took <- system.time(x <- suppressWarnings(farringtonFlexible(S, control = list(range = range, b = d$years_back[i], w = 3,
      reweight = TRUE, weightsThreshold = 2.58, glmWarnings = FALSE, alpha = 0.01, trend = TRUE, pThresholdTrend = 1,
      limit54 = c(5, 4), powertrans = "2/3", noPeriods = 10, pastWeeksNotIncluded = 26, thresholdMethod = "nbPlugin"))))
    method <- "farringtonFlexible"
  } else {
    S <- sts(observed = y, start = c(2000, 1), frequency = 365)
    took <- system.time(x <- earsC(S, control = list(method = "C2", baseline = 7, minSigma = 0, alpha = 0.001, range = range)))
    method <- "earsC2"
  }
  spent[method] <- spent[method] + sum(took[1:2]); fits[method] <- fits[method] + length(range)
  rows[[i]] <- data.frame(series = d$series[i], method = method, t = range, upperbound = as.vector(x@upperbound), alarm = as.integer(x@alarm))
}
write.csv(do.call(rbind, rows), args[2], row.names = FALSE, quote = FALSE)
for (m in names(spent)) cat(m, spent[[m]], fits[[m]], "\n")

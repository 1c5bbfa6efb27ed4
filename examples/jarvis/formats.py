"""Format sizes, speeds and times as JarvisCore does."""

from modelctl.jarvis import format_bytes, format_eta, format_speed

print("Downloaded:", format_bytes(2_899_102_924), "/", format_bytes(4_402_341_478))
print("Speed:", format_speed(16_043_212))
print("ETA:", format_eta(92), "|", format_eta(7_500), "|", format_eta(None))

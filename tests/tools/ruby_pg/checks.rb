# What the three Ruby clients share: comparing, and saying how many checks there were.
$checks = 0
$failures = 0

# Equal, and of the same class.
def check(what, got, wanted)
  $checks += 1
  return if got == wanted && got.class == wanted.class

  $failures += 1
  warn "#{what}: wanted #{wanted.inspect}, got #{got.inspect}"
end

def holds(what, condition)
  check(what, condition ? true : false, true)
end

# An exception is a failure of its own, and the next part runs.
def part(name)
  yield
rescue StandardError, NotImplementedError => e
  $failures += 1
  line = e.backtrace.find { |one| one.include?(File.dirname($PROGRAM_NAME)) && !one.include?('checks.rb') }
  warn "#{name}: stopped at #{File.basename(line.to_s)} by #{e.class}: #{e.message.lines.map(&:strip).join(' ')}"
end

# fails WHAT, CLASS { ... }: the class of the exception, or of its cause.
def fails(what, wanted)
  yield
  check(what, 'no error', wanted)
rescue StandardError => e
  check(what, [e.class, e.cause.class].include?(wanted) ? wanted : e.class, wanted)
end

def finish(name)
  if $failures.zero?
    puts "ok #{name} checks=#{$checks}"
  else
    warn "#{name}: #{$failures} of #{$checks} checks failed"
    exit 1
  end
end

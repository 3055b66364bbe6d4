/**
 * What PowerShell runs, whole and fixed: it reads one request a line until its input ends. Text from elsewhere is only ever
 * the value of a variable. Windows PowerShell 5.1 is part of every Windows 10 and 11; nothing is compiled or loaded.
 *
 * Rules for whoever changes it: ASCII, no double quote, no back-tick, and never the automatic variable that is called
 * input: its mere mention makes the host read our lines.
 */
import { printScript } from './windows-script-print.ts';

/** For the loop and for each print, which runs in a runspace of its own. */
const shared = String.raw`
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
function Send($message) {
  $json = ConvertTo-Json -InputObject $message -Compress -Depth 6
  $plain = [regex]::Replace($json, '[^ -~]', { param($m) '\u{0:x4}' -f [int][char]$m.Value })
  # Where nobody listens any more, a print goes on.
  try { [Console]::Out.WriteLine($plain) } catch [System.IO.IOException] { }
}
function Fault($record, $stage, $pages) {
  $native = 0; $hresult = 0
  for ($cause = $record.Exception; $null -ne $cause; $cause = $cause.InnerException) {
    $hresult = $cause.HResult
    if ($cause -is [System.ComponentModel.Win32Exception]) { $native = $cause.NativeErrorCode }
  }
  @{ stage = $stage; category = [string]$record.CategoryInfo.Category; fault = [string]$record.FullyQualifiedErrorId
     hresult = $hresult; native = $native; pages = $pages }
}
function Plain($instance, $names) {
  $values = @{}
  foreach ($name in $names) {
    $property = $instance.CimInstanceProperties[$name]
    if ($null -ne $property) { $values[$name] = $property.Value }
  }
  $values
}
function JobsOf($printer) {
  foreach ($job in @(Get-PrintJob -PrinterName $printer)) {
    $values = Plain $job @('Id', 'DocumentName', 'JobStatus', 'TotalPages', 'PagesPrinted')
    if ([string]$values['DocumentName'] -match '\[nethood [0-9a-f-]{36}\]$') { $values }
  }
}
function JobOf($printer, $mark) {
  @(JobsOf $printer | Where-Object { ([string]$_['DocumentName']).EndsWith($mark) }) | Select-Object -Last 1
}
`;

const questions = String.raw`
$printerNames = @('Name', 'Type', 'DeviceType', 'DriverName', 'PortName', 'Comment', 'Location', 'PrinterStatus')
function Printers {
  $offline = @{}
  foreach ($each in @(Get-CimInstance -ClassName Win32_Printer -Property @('Name', 'WorkOffline'))) { $offline[$each.Name] = [bool]$each.WorkOffline }
  foreach ($each in @(Get-Printer)) {
    $values = Plain $each $printerNames
    $values['WorkOffline'] = [bool]$offline[[string]$values['Name']]
    $values
  }
}
function Jobs($wanted) {
  foreach ($printer in @(Printers)) {
    if ($wanted -notcontains $printer['Name']) { continue }
    $printer['jobs'] = @(JobsOf $printer['Name'])
    $printer
  }
}
function Change($r) {
  $job = JobOf $r.printer $r.mark
  if ($null -eq $job -or $job['Id'] -ne $r.job) { return $false }
  switch ($r.to) {
    'pause' { Suspend-PrintJob -PrinterName $r.printer -ID $r.job }
    'resume' { Resume-PrintJob -PrinterName $r.printer -ID $r.job }
    'remove' { Remove-PrintJob -PrinterName $r.printer -ID $r.job }
  }
  $true
}
function Abilities($name) {
  Add-Type -AssemblyName System.Drawing
  $s = New-Object System.Drawing.Printing.PrinterSettings
  $s.PrinterName = $name
  if (-not $s.IsValid) { return $null }
  $page = $s.DefaultPageSettings
  @{
    color = $s.SupportsColor; duplex = $s.CanDuplex; copies = $s.MaximumCopies
    defaultColor = $page.Color; defaultDuplex = [int]$s.Duplex; defaultPaper = $page.PaperSize.RawKind
    papers = @($s.PaperSizes | ForEach-Object { @{ name = $_.PaperName; kind = $_.RawKind; width = $_.Width; height = $_.Height } })
  }
}
`;

/** At the end of its input it lets the prints under way come to their end: their jobs would be cut off otherwise. */
const loop = String.raw`
$stops = [hashtable]::Synchronized(@{})
$running = @{}
function Tidy {
  foreach ($id in @($running.Keys)) {
    if (-not $running[$id].handle.IsCompleted) { continue }
    $running[$id].shell.Dispose(); $running.Remove($id); $stops.Remove($id)
  }
}
function Start-Print($r) {
  $shell = [powershell]::Create()
  [void]$shell.AddScript($printText).AddArgument($r).AddArgument($stops)
  $running[[string]$r.id] = @{ shell = $shell; handle = $shell.BeginInvoke() }
}
Send @{ ready = 1; version = [string]$PSVersionTable.PSVersion }
while ($null -ne ($line = [Console]::In.ReadLine())) {
  $r = $null
  try {
    $r = ConvertFrom-Json -InputObject $line
    switch ($r.op) {
      'printers' { Send @{ id = $r.id; ok = @{ printers = @(Printers) } } }
      'abilities' { Send @{ id = $r.id; ok = @{ abilities = (Abilities $r.printer) } } }
      'jobs' { Send @{ id = $r.id; ok = @{ printers = @(Jobs $r.printers) } } }
      'change' { Send @{ id = $r.id; ok = @{ found = [bool](Change $r) } } }
      'print' { Start-Print $r }
      'stop' { $stops[[string]$r.print] = $true; Send @{ id = $r.id; ok = @{} } }
    }
  } catch { if ($null -ne $r) { Send @{ id = $r.id; error = (Fault $_ 'request' 0) } } }
  Tidy
}
foreach ($each in @($running.Values)) { [void]$each.handle.AsyncWaitHandle.WaitOne() }
`;

/** A print is a script to itself, handed over as text in a string of which nothing is looked up. */
function quoted(script: string): string {
  return `'${script.replaceAll("'", "''")}'`;
}

export const windowsScript = [
  shared,
  questions,
  `$printText = ${quoted(`param($r, $stops)\n${shared}${printScript}`)}`,
  loop,
].join('\n');

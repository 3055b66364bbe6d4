/**
 * How PowerShell prints one document: Windows' own renderer of PDF (Windows.Data.Pdf) draws each page as a picture, and
 * .NET's PrintDocument puts the pictures on paper through whatever driver the printer has. The same rules as for the rest
 * of the script (windows-script.ts).
 *
 * A page that cannot be drawn is a fault of the document, which no other day would mend; one that cannot be put on paper is
 * the printer's. Either, or a wish to stop, cancels the document: PrintDocument then aborts the job (AbortDoc), and Windows
 * takes it back.
 */
const pdf = String.raw`
function Wait-For($operation, $type) {
  $method = @([System.WindowsRuntimeSystemExtensions].GetMethods() | Where-Object {
    $_.Name -eq 'AsTask' -and $_.IsGenericMethod -and $_.GetParameters().Count -eq 1 -and $_.GetParameters()[0].ParameterType.Name -like 'IAsyncOperation?1' })[0]
  $task = $method.MakeGenericMethod($type).Invoke($null, @($operation))
  [void]$task.Wait(-1); $task.Result
}
function Wait-Until($action) {
  $method = @([System.WindowsRuntimeSystemExtensions].GetMethods() | Where-Object {
    $_.Name -eq 'AsTask' -and -not $_.IsGenericMethod -and $_.GetParameters().Count -eq 1 -and $_.GetParameters()[0].ParameterType.Name -eq 'IAsyncAction' })[0]
  [void]$method.Invoke($null, @($action)).Wait(-1)
}
function Open-Pdf($path) {
  Add-Type -AssemblyName System.Runtime.WindowsRuntime
  [void][Windows.Storage.StorageFile,Windows.Storage,ContentType=WindowsRuntime]
  [void][Windows.Data.Pdf.PdfDocument,Windows.Data.Pdf,ContentType=WindowsRuntime]
  [void][Windows.Data.Pdf.PdfPageRenderOptions,Windows.Data.Pdf,ContentType=WindowsRuntime]
  [void][Windows.Storage.Streams.InMemoryRandomAccessStream,Windows.Storage.Streams,ContentType=WindowsRuntime]
  $file = Wait-For ([Windows.Storage.StorageFile]::GetFileFromPathAsync($path)) ([Windows.Storage.StorageFile])
  Wait-For ([Windows.Data.Pdf.PdfDocument]::LoadFromFileAsync($file)) ([Windows.Data.Pdf.PdfDocument])
}
function PdfPicture($opened, $index, $dpi) {
  $page = $opened.GetPage([uint32]$index)
  $stream = New-Object Windows.Storage.Streams.InMemoryRandomAccessStream
  try {
    $most = 10000 / [Math]::Max(1, [Math]::Max($page.Size.Width, $page.Size.Height))
    $scale = [Math]::Min($dpi / 96, $most)
    $options = New-Object Windows.Data.Pdf.PdfPageRenderOptions
    $options.DestinationWidth = [uint32][Math]::Max(1, [Math]::Round($page.Size.Width * $scale))
    $options.DestinationHeight = [uint32][Math]::Max(1, [Math]::Round($page.Size.Height * $scale))
    Wait-Until ($page.RenderToStreamAsync($stream, $options))
    $memory = New-Object System.IO.MemoryStream
    [System.IO.WindowsRuntimeStreamExtensions]::AsStreamForRead($stream.GetInputStreamAt(0)).CopyTo($memory)
    New-Object System.Drawing.Bitmap ($memory)
  } finally { $stream.Dispose(); $page.Dispose() }
}
`;

/** A text is cut into pages before the first is printed, so that ranges of pages mean the same as of other documents. */
const text = String.raw`
function TextPages($path, $settings, $page) {
  $font = New-Object System.Drawing.Font 'Consolas', 10
  $area = New-Object System.Drawing.SizeF ($page.Bounds.Width - 100), ($page.Bounds.Height - 100)
  $graphics = $settings.CreateMeasurementGraphics($page)
  $tab = [string][char]9
  try {
    foreach ($part in [System.IO.File]::ReadAllText($path).Replace($tab, '        ').Split([char]12)) {
      $rest = $part
      do {
        $fitting = 0; $lines = 0
        [void]$graphics.MeasureString($rest, $font, $area, [System.Drawing.StringFormat]::GenericTypographic, [ref]$fitting, [ref]$lines)
        if ($rest.Length -gt 0 -and $fitting -le 0) { throw 'no room for text' }
        $rest.Substring(0, $fitting)
        $rest = $rest.Substring($fitting)
      } while ($rest.Length -gt 0)
    }
  } finally { $graphics.Dispose(); $font.Dispose() }
}
`;

/** Origin of drawing is the corner of what the printer can reach, not that of the paper; lengths are hundredths of an inch. */
const draw = String.raw`
function Put($e, $picture, $width, $height, $scaling) {
  $paper = $e.PageBounds
  $left = $e.PageSettings.HardMarginX; $top = $e.PageSettings.HardMarginY
  $fit = [Math]::Min(($paper.Width - 2 * $left) / $width, ($paper.Height - 2 * $top) / $height)
  $fill = [Math]::Max($paper.Width / $width, $paper.Height / $height)
  $same = $width -le $paper.Width + 3 -and $height -le $paper.Height + 3
  $scale = $fit
  if ($scaling -eq 'none' -or ($scaling -eq 'auto' -and $same)) { $scale = 1 }
  if ($scaling -eq 'fill') { $scale = $fill }
  $x = ($paper.Width - $width * $scale) / 2 - $left
  $y = ($paper.Height - $height * $scale) / 2 - $top
  $place = New-Object System.Drawing.RectangleF $x, $y, ($width * $scale), ($height * $scale)
  $e.Graphics.DrawImage($picture, $place)
}
function Draw($e, $index) {
  if ($r.kind -eq 'pdf') {
    $size = $state.sizes[$index]
    $state.stage = 'document'
    $picture = PdfPicture $state.opened $index $r.dpi
    $state.stage = 'printing'
    try { Put $e $picture ($size.Width / 0.96) ($size.Height / 0.96) $r.scaling } finally { $picture.Dispose() }
  } elseif ($r.kind -eq 'jpeg') {
    $scaling = if ($r.scaling -eq 'auto') { 'fit' } else { $r.scaling }
    $picture = $state.opened
    Put $e $picture ($picture.Width / $picture.HorizontalResolution * 100) ($picture.Height / $picture.VerticalResolution * 100) $scaling
  } else {
    $font = New-Object System.Drawing.Font 'Consolas', 10
    $place = New-Object System.Drawing.RectangleF (50 - $e.PageSettings.HardMarginX), (50 - $e.PageSettings.HardMarginY), ($e.PageBounds.Width - 100), ($e.PageBounds.Height - 100)
    try { $e.Graphics.DrawString($state.texts[$index], $font, [System.Drawing.Brushes]::Black, $place, [System.Drawing.StringFormat]::GenericTypographic) } finally { $font.Dispose() }
  }
}
function IsWide($index) {
  if ($null -ne $r.landscape) { return [bool]$r.landscape }
  if ($r.kind -eq 'text') { return $false }
  $size = if ($r.kind -eq 'pdf') { $state.sizes[$index] } else { $state.opened.Size }
  $size.Width -gt $size.Height
}
`;

const setUp = String.raw`
function Set-Up($document) {
  $s = $document.PrinterSettings
  if (-not $s.IsValid) { throw (New-Object System.ComponentModel.Win32Exception 1801) }
  $page = $document.DefaultPageSettings
  $s.Copies = [int16]$r.copies
  $s.Collate = [bool]$r.collate
  if ($null -ne $r.duplex) { $s.Duplex = [System.Drawing.Printing.Duplex]$r.duplex }
  if ($null -ne $r.color) { $page.Color = [bool]$r.color }
  foreach ($size in $s.PaperSizes) { if ($null -ne $r.paper -and $size.RawKind -eq $r.paper) { $page.PaperSize = $size } }
  if ($null -ne $r.landscape) { $page.Landscape = [bool]$r.landscape }
}
function Open-Document($document) {
  if ($r.kind -eq 'pdf') {
    $state.opened = Open-Pdf $r.file
    $state.sizes = @(for ($i = 0; $i -lt $state.opened.PageCount; $i++) { $page = $state.opened.GetPage([uint32]$i); $page.Size; $page.Dispose() })
    return $state.sizes.Count
  }
  if ($r.kind -eq 'jpeg') { $state.opened = [System.Drawing.Image]::FromFile($r.file); return 1 }
  $state.texts = @(TextPages $r.file $document.PrinterSettings $document.DefaultPageSettings)
  $state.texts.Count
}
function Wanted($count) {
  for ($i = 1; $i -le $count; $i++) {
    $in = @($r.pages).Count -eq 0
    foreach ($range in @($r.pages)) { if ($i -ge $range.from -and $i -le $range.to) { $in = $true } }
    if ($in) { $i - 1 }
  }
}
`;

const run = String.raw`
$state = @{ at = 0; stage = 'printer'; stopped = $false; fault = $null; opened = $null; sizes = @(); texts = @(); wanted = @() }
try {
  Add-Type -AssemblyName System.Drawing
  $document = New-Object System.Drawing.Printing.PrintDocument
  $document.PrinterSettings.PrinterName = $r.printer
  $document.PrintController = New-Object System.Drawing.Printing.StandardPrintController
  $document.DocumentName = $r.document
  Set-Up $document
  $state.stage = 'document'
  $count = Open-Document $document
  $state.stage = 'pages'
  $state.wanted = @(Wanted $count)
  if ($state.wanted.Count -eq 0) { throw 'no such pages' }
  $state.stage = 'printing'
  $document.add_QueryPageSettings({ param($sender, $e)
    try { $e.PageSettings.Landscape = IsWide $state.wanted[$state.at] } catch { $state.fault = $_; $e.Cancel = $true }
  })
  $document.add_PrintPage({ param($sender, $e)
    try {
      if ($stops.ContainsKey([string]$r.id)) { $state.stopped = $true; $e.Cancel = $true; return }
      Draw $e $state.wanted[$state.at]
      $state.at++
      $e.HasMorePages = $state.at -lt $state.wanted.Count
      Send @{ id = $r.id; page = $state.at; of = $state.wanted.Count }
    } catch { $state.fault = $_; $e.Cancel = $true }
  })
  $document.Print()
  if ($null -ne $state.fault) { throw $state.fault }
  if (-not $state.stopped) { [System.IO.File]::WriteAllText($r.done, '') }
  $job = if ($state.stopped) { $null } else { try { JobOf $r.printer $r.mark } catch { $null } }
  Send @{ id = $r.id; ok = @{ pages = $state.at; stopped = $state.stopped; job = $job } }
} catch {
  Send @{ id = $r.id; error = (Fault $_ $state.stage $state.at) }
} finally {
  if ($r.kind -eq 'jpeg' -and $null -ne $state.opened) { $state.opened.Dispose() }
}
`;

export const printScript = [pdf, text, draw, setUp, run].join('\n');
